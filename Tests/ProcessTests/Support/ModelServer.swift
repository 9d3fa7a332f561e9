import DTMCore
import Glibc
import Testing

/// A server of OpenAI's chat completions in a process of its own, on Python's standard library. It keeps every byte that it gets.
final class ModelServer {
    let program: ChildProgram
    let port: UInt16
    private let log: String

    /// - Parameter key: the one that it takes.
    init(in directory: TestDirectory, key: String) throws {
        port = try HeldPort.free()
        log = directory.file("requests.log")
        let script = try directory.write("model_server.py", Self.script)
        program = try ChildProgram(
            .init(
                program: "python3", arguments: [script, "\(port)", log, key], environment: basicEnvironment,
                directory: directory.path))
        try awaitPort(port, program)
    }

    var url: String { "http://127.0.0.1:\(port)/v1" }

    /// All that came in.
    var received: String { text(of: log) }

    /// The body of each request.
    var bodies: [Substring] {
        received.split(separator: "\n--\n").compactMap { request in
            request.firstRange(of: "\n\n").map { request[$0.upperBound...] }
        }
    }

    /// The first call meets a server that is starting; one that asks for `json_schema` is told that it is not known.
    private static let script = #"""
        import http.server, json, re, sys

        port, log, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
        calls = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def reply(self, status, value, headers={}):
                body = json.dumps(value).encode()
                self.send_response(status)
                for name, text in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                global calls
                calls += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with open(log, "ab") as file:
                    file.write((self.requestline + "\n" + str(self.headers)).encode() + body + b"\n--\n")
                if self.path != "/v1/chat/completions":
                    return self.reply(404, {"error": {"message": "no such path"}})
                if self.headers["Authorization"] != "Bearer " + key:
                    return self.reply(401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}})
                if calls == 1:
                    return self.reply(503, {"error": {"message": "loading"}}, {"Retry-After-Ms": "20"})
                request = json.loads(body)
                if request.get("response_format", {}).get("type") == "json_schema":
                    return self.reply(400, {"error": {"message": "response_format json_schema is not known",
                                                      "param": "response_format"}})
                question = request["messages"][-1]["content"]
                app = re.search(r"^app-\d+", question, re.M).group()
                evidence = re.search(r"^  (e\d+)", question, re.M).group(1)
                answer = {"overall": "Looked at it.", "applications": [
                    {"id": app, "verdict": "malicious", "attention": 100, "summary": "Stop everything.",
                     "evidence": [evidence], "recommendation": None}]}
                self.reply(200, {"object": "chat.completion", "choices": [
                    {"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": json.dumps(answer)}}],
                    "usage": {"prompt_tokens": 300, "completion_tokens": 60, "total_tokens": 360}})

            def log_message(self, *arguments):
                pass

        http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
        """#
}
