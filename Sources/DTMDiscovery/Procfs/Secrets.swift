import Glibc

/// What words that hold secrets look like.
enum Secrets {
    /// Parts of names whose values are secrets, in lower case without separators.
    private static let names = [
        "pass", "pwd", "secret", "token", "apikey", "accesskey", "privatekey", "credential", "auth", "passphrase",
        "cookie",
        "sessionid", "signature", "encryptionkey", "masterkey", "signingkey", "dsn", "bearer", "pin",
    ]
    /// Parts of names that say that the value tells where a secret is, and not what it is.
    private static let places = [
        "file", "path", "dir", "fd", "stdin", "env", "mode", "type", "method", "timeout", "hash",
    ]
    /// Headers of HTTP that carry credentials.
    static let headers = ["authorization:", "cookie:", "x-api-key:", "x-auth-token:", "private-token:"]
    /// How the tokens of well-known services begin.
    private static let beginnings = [
        "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "sk-", "sk_live_", "rk_live_", "AKIA", "ASIA", "xox", "eyJ",
        "AIza",
        "hvs.", "npm_", "dop_v1_",
    ]

    /// Whether the value of an option or a variable of this name is a secret.
    static func isName(_ name: some StringProtocol) -> Bool {
        let words = name.lowercased().split { !$0.isLetter && !$0.isNumber }
        let joined = words.joined()
        if words.last.map({ places.contains(String($0)) }) ?? false { return false }
        return names.contains { $0 == "pin" || $0 == "auth" ? words.contains(Substring($0)) : joined.contains($0) }
    }

    /// Whether the word after this one is a secret: `--password`, `-token`.
    static func isOption(_ word: String) -> Bool {
        word.hasPrefix("-") && !word.contains("=") && word.drop { $0 == "-" }.count > 1 && isName(word)
    }

    static func isNumber(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// `scheme://user:secret@host` without what stands before the `@`; the last `@` of the authority counts (RFC 3986,
    /// section 3.2.1).
    static func withoutUserInformation(_ word: String) -> String {
        guard let start = word.firstRange(of: "://")?.upperBound else { return word }
        let authority = word[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        // A secret that is not escaped may hold a slash: the `@` then comes after it.
        guard let at = authority.lastIndex(of: "@") ?? word[start...].lastIndex(of: "@") else { return word }
        return word[..<start] + ArgumentRedaction.mark + word[at...]
    }

    /// The word with its long random-looking parts left out. Paths are taken apart, for their parts are names.
    static func withoutRandomness(_ word: String) -> String {
        guard word.utf8.count >= 16 else { return word }
        var result = ""
        var part = ""
        for character in word {
            if isTokenCharacter(character) {
                part.append(character)
                continue
            }
            result += isRandom(part) ? ArgumentRedaction.mark : part
            part = ""
            result.append(character)
        }
        return result + (isRandom(part) ? ArgumentRedaction.mark : part)
    }

    private static func isTokenCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "+_-.~".contains(character))
    }

    /// A known beginning, or at least 20 characters in which letters and digits take turns, or capitals and small letters and digits are
    /// mixed. Names and versions change from letters to digits once or twice.
    static func isRandom(_ text: String) -> Bool {
        if text.utf8.count >= 16, beginnings.contains(where: { text.hasPrefix($0) }) { return true }
        guard text.utf8.count >= 20 else { return false }
        var digits = 0
        var capitals = 0
        var small = 0
        var turns = 0
        var wasDigit: Bool?
        for byte in text.utf8 {
            let isDigit = (0x30...0x39).contains(byte)
            let isCapital = (0x41...0x5a).contains(byte)
            let isSmall = (0x61...0x7a).contains(byte)
            digits += isDigit ? 1 : 0
            capitals += isCapital ? 1 : 0
            small += isSmall ? 1 : 0
            guard isDigit || isCapital || isSmall else { continue }
            if let wasDigit, wasDigit != isDigit { turns += 1 }
            wasDigit = isDigit
        }
        return (turns >= 4 || (capitals >= 4 && small >= 4 && digits >= 1)) && entropy(text) > 3.1
    }

    /// In bits for each byte (Shannon).
    private static func entropy(_ text: String) -> Double {
        var counts = [Double](repeating: 0, count: 256)
        for byte in text.utf8 { counts[Int(byte)] += 1 }
        let total = Double(text.utf8.count)
        return counts.reduce(0) { sum, count in count > 0 ? sum - count / total * log2(count / total) : sum }
    }
}
