import ArgumentParser
import DTMAPI
import DTMCore
import DTMText

struct CertificatesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certs", abstract: "List, renew and revoke certificates.",
        subcommands: [CertificateListCommand.self, CertificateRotateCommand.self, CertificateRevokeCommand.self])
}

struct CertificateListCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the authority's certificate and those that it issued.")

    @OptionGroup var manager: ManagerOptions

    func run(_ client: ControlClient, _ output: Output) async throws {
        let list = try await client.certificates()
        try print(list, output) { CertificatesView.lines(list, $0, now: WallClock().now()) }
    }
}

struct CertificateRotateCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Issue new certificates now.",
        discussion: "For one tunnel, or for all when none is named. Connections stay.")

    @Argument(help: ArgumentHelp("The tunnel's name.", valueName: "name"))
    var name: String?

    @Flag(help: "Make a new authority as well; the old one is trusted until its certificates are replaced.")
    var authority = false

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard name == nil || !authority else {
            throw ValidationError("The authority is everyone's: --authority goes without a tunnel's name.")
        }
    }

    func run(_ client: ControlClient, _ output: Output) async throws {
        let answer = try await client.rotateCertificates(.init(tunnel: name, authority: authority))
        try print(answer, output) { CertificatesView.lines(answer, did: "Issued", $0, now: WallClock().now()) }
    }
}

struct CertificateRevokeCommand: ManagerCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revoke a certificate, or all of an identity's.",
        discussion: "Connections that were opened with it are cut.")

    @Argument(
        help: ArgumentHelp("A serial number, or a SPIFFE ID as spiffe://…/client/….", valueName: "serial-or-identity"))
    var subject: String

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard SerialNumber(subject) != nil || SPIFFEID(subject) != nil else {
            throw ValidationError(
                "'\(shown(subject))' is neither a serial number in hexadecimal digits nor a SPIFFE ID.")
        }
    }

    func run(_ client: ControlClient, _ output: Output) async throws {
        let answer = try await client.revokeCertificates(.init(subject: subject))
        try print(answer, output) { CertificatesView.lines(answer, did: "Revoked", $0, now: WallClock().now()) }
    }
}
