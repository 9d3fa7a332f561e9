import DTMAPI
import Glibc
import Testing

/// A home with a sealed state, and GnuPG keys for an operator and for backups.
final class SealedHome {
    let directory: TestDirectory
    let home: String
    let passphraseFile: String
    let gnupg: String
    static let passphrase = "correct horse battery staple"

    init(backups: Bool = false, operatorKey: Bool = false, passphrase: String = SealedHome.passphrase) throws {
        directory = try TestDirectory()
        home = directory.file("home")
        gnupg = directory.file("gnupg")
        mkdir(home, 0o700)
        mkdir(gnupg, 0o700)
        passphraseFile = try directory.write("passphrase", "\(passphrase)\n")
        var arguments = ["--passphrase-file", passphraseFile]
        if operatorKey { arguments += ["--operator-key", try key("operator")] } else { arguments += ["--single-slot"] }
        if backups { arguments += ["--backup-key", try key("backup")] }
        let made = try state(["init"] + arguments)
        try #require(made.status == 0, "\(made.errors)")
    }

    deinit { _ = try? gpgconf() }

    private func gpgconf() throws -> Outcome {
        try run("gpgconf", ["--kill", "all"], in: directory, environment: ["GNUPGHOME": gnupg, "HOME": home])
    }

    /// Runs `dtm state …` on this home.
    func state(_ arguments: [String], home: String? = nil, input: String? = nil) throws -> Outcome {
        try run(
            try BuiltProgram.path(), ["state"] + arguments + ["--home", home ?? self.home], in: directory,
            environment: ["HOME": self.home], input: input)
    }

    /// Makes a key, and exports its public half.
    private func key(_ name: String) throws -> String {
        let user = "\(name)@example.org"
        let made = try gpg(["--passphrase", "", "--quick-gen-key", user, "default", "default", "never"])
        try #require(made.status == 0, "\(made.errors)")
        let file = directory.file("\(name).asc")
        let exported = try gpg(["--armor", "--output", file, "--export", user])
        try #require(exported.status == 0, "\(exported.errors)")
        return file
    }

    func gpg(_ arguments: [String]) throws -> Outcome {
        try run(
            "gpg", ["--batch", "--quiet", "--no-tty"] + arguments, in: directory,
            environment: ["GNUPGHOME": gnupg, "HOME": home])
    }

    /// All files of the state, by their paths.
    func files(_ folder: String = "state") throws -> [String] {
        let listed = try run("find", ["\(home)/\(folder)", "-type", "f"], in: directory)
        return listed.output.split(separator: "\n").map(String.init).sorted()
    }

    /// What `find` and `sha256sum` say of the whole state.
    func fingerprint() throws -> String {
        try run("sh", ["-c", "find \(home)/state -type f | sort | xargs sha256sum"], in: directory).output
    }

    /// `dtm up` on it, without waiting for anything.
    func up(_ arguments: [String] = [], environment: [String: String] = [:]) throws -> ChildProgram {
        try ChildProgram(
            .init(
                program: try BuiltProgram.path(), arguments: ["up", "--no-ui", "--home", home] + arguments,
                environment: basicEnvironment.merging(["DTM_HOME": home, "HOME": home]) { $1 }
                    .merging(environment) { $1 },
                directory: directory.path))
    }
}
