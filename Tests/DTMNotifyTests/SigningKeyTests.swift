import DTMCore
import DTMSecrets
import Testing

@testable import DTMNotify

@Suite struct SigningKeyTests {
    private func key(_ text: String) throws -> SigningKey {
        let secret = try SecretBytes(count: text.utf8.count) { $0.copyBytes(from: text.utf8) }
        return try SigningKey(text: secret)
    }

    /// The example of the libraries at https://github.com/standard-webhooks/standard-webhooks.
    @Test(arguments: ["whsec_", ""], ["", "\n", "\r\n"])
    func `It signs as Standard Webhooks has it`(_ prefix: String, _ end: String) throws {
        let key = try key("\(prefix)MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\(end)")
        let headers = key.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", time: Timestamp(seconds: 1_614_265_330),
            body: Array(#"{"test": 2432232314}"#.utf8))
        #expect(headers.map(\.name) == ["webhook-id", "webhook-timestamp", "webhook-signature"])
        #expect(
            headers.map(\.value) == [
                "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ])
    }

    @Test(
        arguments: [
            "x", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa", "not base64 at all, is it? No, it is not",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw!", String(repeating: "A", count: 88), String(repeating: "A", count: 400),
        ])
    func `What is no key of 24 to 64 bytes is refused`(_ text: String) {
        #expect(throws: NotifyError.self) { try key(text) }
    }

    @Test func `A refusal does not say what was refused`() {
        do {
            _ = try key("SecretThatIsNoKey")
            Issue.record("it was taken")
        } catch {
            #expect(!"\(error)".contains("SecretThat"))
        }
    }
}
