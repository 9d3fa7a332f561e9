import DTMTestSupport
@testable import DTMDiscovery
import Testing

@Suite("Command lines without their secrets")
struct ArgumentRedactionTests {
    private func redacted(_ arguments: [String]) -> String {
        ArgumentRedaction.redacted(arguments.flatMap { Array($0.utf8) + [0] })
    }

    @Test(
        "Secrets in arguments are left out",
        arguments: [
            ["mysql", "--password", "hunter2"], ["mysql", "--password=hunter2"], ["mysql", "-phunter2"],
            ["psql", "postgres://bob:hunter2@db/x"], ["env", "DB_PASSWORD=hunter2", "run"],
            ["app", "--api-key", "hunter2"], ["app", "--apiKey=hunter2"], ["redis-cli", "-a", "hunter2"],
            ["curl", "-u", "bob:hunter2", "http://x"], ["curl", "-H", "Authorization: Bearer hunter2"],
            ["curl", "https://x/y?token=hunter2&a=1"], ["sh", "-c", "mysql --password=hunter2 -e 1"],
            ["sh", "-c", "mysql --password hunter2"], ["sh", "-c", "export TOKEN='a hunter2 b' && run"],
            ["app", "--token", "a hunter2 b"], ["amqp", "amqps://u:p/hunter2@h/v"], ["app", "-token=hunter2"],
            ["java", "-Djavax.net.ssl.keyStorePassword=hunter2"], ["x", "client_secret=hunter2,x=1"],
            ["x", "-----BEGIN PRIVATE KEY-----hunter2"], ["sshpass", "-p", "hunter2", "ssh"],
            ["x", "AWS_SECRET_ACCESS_KEY=hunter2"], ["x", "--db-pass=x&hunter2"],
        ])
    func secrets(arguments: [String]) {
        let text = redacted(arguments)
        #expect(!text.contains("hunter2"), "\(text)")
        #expect(text.contains(ArgumentRedaction.mark))
    }

    @Test(
        "Long words that look random are left out",
        arguments: [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIi.x",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
            "AKIAIOSFODNN7EXAMPLE",
        ])
    func tokens(word: String) {
        #expect(redacted(["x", word]) == "x \(ArgumentRedaction.mark)")
        #expect(redacted(["x", "/a/\(word)"]) == "x /a/\(ArgumentRedaction.mark)")
    }

    @Test(
        "What tells what a process is stays",
        arguments: [
            ["/usr/bin/redis-server", "127.0.0.1:6379"], ["nginx:", "worker", "process"],
            ["python3", "-m", "http.server", "8000", "--bind", "127.0.0.1"], ["ssh", "-p", "2222", "host"],
            ["sshd:", "bob@pts/0"], ["redis-server", "--requirepass-file", "/etc/x"],
            ["app", "--password-file=/run/x"],
            ["/usr/lib/systemd/systemd-resolved"], ["postgres", "-D", "/var/lib/postgresql/15/main"],
            ["java", "-Xmx512m", "-jar", "/opt/application-server-2.11.4.jar"], ["ps", "-p", "1"],
        ])
    func harmless(arguments: [String]) {
        #expect(redacted(arguments) == arguments.joined(separator: " "))
    }

    @Test("Nothing steers a terminal, and nothing is endless")
    func bounds() {
        #expect(redacted(["a\u{1b}[2J", "b\nc"]) == "a\u{fffd}[2J b\u{fffd}c")
        #expect(redacted([String(repeating: "ab ", count: 10_000)]).count == ArgumentRedaction.maximumLength)
        #expect(ArgumentRedaction.redacted([]).isEmpty)
        #expect(ArgumentRedaction.redacted([0, 0, 0]).isEmpty)
    }

    @Test("A secret stays out wherever the option stands among random words")
    func fuzz() {
        var generator = SeededGenerator(seed: 11)
        for _ in SeededGenerator.rounds(2_000) {
            var words = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                generator.text(of: "ab-=/:@ .'\"?&,1", lengths: 1...8)
            }
            // A quotation mark or an option before may swallow what follows: that is on the safe side.
            let secret = "hunter2"
            let option = ["--password=\(secret)", "PGPASSWORD=\(secret)", "--secret-key=\(secret)"]
            let index = Int.random(in: 0...words.count, using: &generator)
            words.insert(option.randomElement(using: &generator) ?? "", at: index)
            #expect(!redacted(words).contains(secret))
        }
        for _ in SeededGenerator.rounds(2_000) {
            let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            #expect(ArgumentRedaction.redacted(bytes).count <= ArgumentRedaction.maximumLength)
        }
    }
}
