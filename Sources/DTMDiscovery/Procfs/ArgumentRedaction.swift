/// A command line for people, without the secrets that it may hold.
///
/// Nothing tells for certain which words are secrets, so this errs towards leaving too much out: values of options and variables
/// whose names sound like secrets, what stands before the `@` of an address, headers that carry credentials, and long words that look
/// random. The plain form never leaves the process that read it.
enum ArgumentRedaction {
    static let mark = "«redacted»"
    /// The most characters of the result.
    static let maximumLength = 1_024

    /// - Parameter bytes: `/proc/PID/cmdline`: arguments with a zero byte behind each (`proc_pid_cmdline(5)`).
    static func redacted(_ bytes: [UInt8]) -> String {
        let arguments = bytes.split(separator: 0, omittingEmptySubsequences: true).prefix(256)
        var words = Words()
        let texts = arguments.map { words.argument(ByteFields.printable($0)) }
        let text = texts.joined(separator: " ")
        return text.count <= maximumLength ? text : String(text.prefix(maximumLength - 1)) + "…"
    }

    /// Goes through the words of all arguments: an option and its value may be two.
    private struct Words {
        private var program: String?
        /// Whether the next word is the value of an option that sounds like a secret.
        private var isValueNext = false
        /// The quotation mark that a secret with blanks in it goes up to.
        private var quotation: Character?

        mutating func argument(_ text: String) -> String {
            if program == nil {
                program = text.split(separator: "/").last.map { $0.lowercased() } ?? ""
            }
            if text.contains("-----BEGIN") { return ArgumentRedaction.mark }
            if isValueNext, quotation == nil {
                isValueNext = false
                return ArgumentRedaction.mark
            }
            let isHeader = Secrets.headers.contains { text.lowercased().contains($0) }
            if isHeader, let colon = text.firstIndex(of: ":") { return text[...colon] + " " + ArgumentRedaction.mark }
            // What is between blanks: programs that set their own title write one long argument, and shells get scripts.
            return text.split(separator: " ", omittingEmptySubsequences: false)
                .map { word(String($0)) }.joined(separator: " ")
        }

        private mutating func word(_ word: String) -> String {
            if let quotation {
                if word.hasSuffix(String(quotation)) { self.quotation = nil }
                return ArgumentRedaction.mark
            }
            if isValueNext {
                if word.isEmpty { return word }
                isValueNext = false
                openQuotation(word)
                return ArgumentRedaction.mark
            }
            if let assigned = assignment(word) { return assigned }
            if let short = shortOption(word) { return short }
            if Secrets.isOption(word) { isValueNext = true }
            return Secrets.withoutRandomness(Secrets.withoutUserInformation(word))
        }

        /// `NAME=VALUE`, `--name=VALUE`, and the parameters of a query. All that follows goes as well: a secret may hold whatever
        /// else separates parameters.
        private mutating func assignment(_ word: String) -> String? {
            var start = word.startIndex
            while let equals = word[start...].firstIndex(of: "=") {
                let name = word[start..<equals].split { "&?;,".contains($0) }.last ?? ""
                start = word.index(after: equals)
                if Secrets.isName(name) {
                    openQuotation(String(word[start...]))
                    return Secrets.withoutRandomness(Secrets.withoutUserInformation(String(word[..<start])))
                        + ArgumentRedaction.mark
                }
            }
            return nil
        }

        /// `-pSECRET`, `-p SECRET`, `-u USER:SECRET`, and `-a SECRET` of redis-cli. `-p 6379` is a port.
        private mutating func shortOption(_ word: String) -> String? {
            let isDatabase = program.map { $0.hasPrefix("my") || $0.hasPrefix("maria") || $0 == "sshpass" } ?? false
            if word.hasPrefix("-p"), !word.hasPrefix("--") {
                let value = word.dropFirst(2)
                if value.isEmpty {
                    isValueNext = isDatabase && program == "sshpass"
                    return word
                }
                let isLong = value.first.map { $0.isLowercase } ?? false
                if isDatabase || (!Secrets.isNumber(value) && !(isLong && value.count <= 3)) {
                    openQuotation(String(value))
                    return "-p" + ArgumentRedaction.mark
                }
            }
            if word == "-a", program?.hasPrefix("redis") == true || program?.hasPrefix("valkey") == true {
                isValueNext = true
                return word
            }
            if word == "-u" || word == "--user" || word == "-U" || word == "--proxy-user" {
                isValueNext = program?.hasPrefix("curl") == true || program?.hasPrefix("wget") == true
                return word
            }
            return nil
        }

        private mutating func openQuotation(_ value: String) {
            guard let first = value.first, first == "\"" || first == "'" else { return }
            if value.count == 1 || !value.hasSuffix(String(first)) { quotation = first }
        }
    }
}
