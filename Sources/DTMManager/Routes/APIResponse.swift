import DTMAPI
import HTTPTypes
import Hummingbird
import NIOCore

/// Reads bodies.
enum APIRequest {
    /// The largest body of a request, in bytes.
    static let maximumBodyBytes = 64 << 10

    /// - Throws: `request.too_large`, `request.invalid`.
    static func body<Value: Decodable>(
        _ type: Value.Type, of request: Request, upTo limit: Int = maximumBodyBytes
    ) async throws -> Value {
        var request = request
        let bytes: ByteBuffer
        do {
            bytes = try await request.collectBody(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw tooLarge(limit)
        }
        do {
            return try APIJSON.decode(type, from: bytes.readableBytesView)
        } catch let error as DecodingError {
            throw ManagerError(.requestInvalid, "the request's body is not what was expected: \(describe(error))")
        }
    }

    static let tooLarge = tooLarge(maximumBodyBytes)

    private static func tooLarge(_ limit: Int) -> ManagerError {
        ManagerError(.requestTooLarge, "the request's body is too large; allowed are \(limit) bytes")
    }

    private static func describe(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "\(printable(key.stringValue)) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(path(context)) has a wrong type"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "it is not JSON" : "\(path(context)) is not valid"
        @unknown default: "it could not be read"
        }
    }

    private static func path(_ context: DecodingError.Context) -> String {
        printable(context.codingPath.map(\.stringValue).joined(separator: "."))
    }
}

/// Writes answers.
enum APIResponse {
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try APIJSON.encode(value) + Array("\n".utf8))))
    }

    static func text(_ text: String, type: String) -> Response {
        Response(status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
