import DTMCore
import DTMPolicy

/// Names for tunnels whose user gave none, and what to tell about the tier.
enum TunnelNaming {
    /// The application's name, or the target's, made of allowed characters; with a number behind it when that is taken.
    static func name(for subject: ResolvedSubject, isTaken: (TunnelName) -> Bool) -> TunnelName? {
        let base = StableName.sanitized(subject.application.map(StableName.short) ?? text(of: subject.target))
        if let name = TunnelName(base), !isTaken(name) { return name }
        for number in 2...999 {
            let name = TunnelName("\(base.prefix(58))-\(number)")
            if let name, !isTaken(name) { return name }
        }
        return nil
    }

    private static func text(of target: Target) -> String {
        switch target {
        case .tcp(let host, let port): "\(host)-\(port)"
        case .unix(let path): path.split(separator: "/").last.map(String.init) ?? "socket"
        }
    }
}

/// What `dtm protect` says about the protection that was reached.
enum TierNotes {
    static func fronted(_ subject: ResolvedSubject) -> [String] {
        let tier = "the tunnel stands in front of \(subject.target); it does not close what is behind it."
        return [tier, stillOpen(subject)]
    }

    private static func stillOpen(_ subject: ResolvedSubject) -> String {
        switch subject.target {
        case .unix(let path):
            return
                "\(path) is still open to whoever its mode lets in; to close it, give it mode 0600 or put it into a folder "
                + "that only the application's user may enter."
        case .tcp(_, let port):
            guard !subject.listeners.contains(where: { !$0.isLoopback }) else {
                return "port \(port) is still open, and not only on this host: the application listens at "
                    + "\(subject.listeners.filter { !$0.isLoopback }.map(\.description).joined(separator: ", ")). To close it, let "
                    + "it listen on a Unix socket in a folder with mode 0700 and protect unix:/PATH; at the least bind it to 127.0.0.1."
            }
            return
                "\(subject.target) is still open to every program on its host; to close it, let the application listen on a "
                + "Unix socket in a folder with mode 0700 and protect unix:/PATH instead."
        }
    }
}
