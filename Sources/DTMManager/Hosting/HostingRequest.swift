import DTMConnector
import DTMCore
import DTMPolicy
import Glibc
import HTTPTypes
import Hummingbird

/// Where a hosted connector shall serve, as the API was asked.
enum HostingRequest {
    /// Reads `listen` or `unix` of a query.
    ///
    /// - Parameter maySteer: Others get TCP ports of 1024 and above alone: the manager may be root, and must not make
    ///   files or take the system's ports for them.
    /// - Throws: `request.invalid`, `permission.denied`.
    static func offer(
        listen: String?, unix: String?, maySteer: Bool
    ) throws(ManagerError) -> ConnectorOffer {
        switch (listen, unix) {
        case (let listen?, nil): return try tcp(listen, maySteer)
        case (nil, let path?): return try socket(path, maySteer)
        default:
            throw ManagerError(
                .requestInvalid, "a hosted connector needs one of listen=HOST:PORT and unix=/PATH",
                hint: "standard input and output can't be hosted: they belong to the caller")
        }
    }

    private static func tcp(_ text: String, _ maySteer: Bool) throws(ManagerError) -> ConnectorOffer {
        guard let (host, port) = splitHostPort(text),
            let address = IPAddress(host == "localhost" ? "127.0.0.1" : host), address.isLoopback
        else {
            throw ManagerError(
                .requestInvalid,
                "listen is \(printable(text)); allowed is a loopback address and a port, as 127.0.0.1:6380 or [::1]:0",
                hint: "programs of other hosts can't be told apart, so a hosted connector serves this one alone")
        }
        guard maySteer || port == 0 || port >= 1_024 else {
            throw ManagerError(
                .notPermitted, "port \(port) is one of the system's (below 1024)", hint: "choose one from 1024 on, or 0"
            )
        }
        return .tcp(host: address.description, port: port)
    }

    private static func socket(_ path: String, _ maySteer: Bool) throws(ManagerError) -> ConnectorOffer {
        guard maySteer else {
            throw ManagerError(
                .notPermitted, "only who steers the manager may have it make a socket in the file system",
                hint: "use --listen")
        }
        guard path.hasPrefix("/"), path.utf8.count <= Target.maximumUnixPathBytes, !path.utf8.contains(0) else {
            throw ManagerError(
                .requestInvalid,
                "unix is \(printable(path)); allowed is an absolute path of at most \(Target.maximumUnixPathBytes) bytes"
            )
        }
        return .unix(path: path)
    }
}
