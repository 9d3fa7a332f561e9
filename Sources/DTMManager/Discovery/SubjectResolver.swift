import DTMCore
import DTMPolicy

/// Finds what a subject stands for among the processes that are there. Pure: the observations come in.
struct SubjectResolver: Sendable {
    let observations: [ApplicationObservation]
    let own: OwnParts
    /// The user as whom this manager runs, who sees only sockets of his own processes unless he is root.
    let managerUID: UInt32

    /// - Parameter addresses: What a target's host name stands for; an address stands for itself.
    func resolve(_ subject: Subject, addresses: [IPAddress] = []) throws(ManagerError) -> ResolvedSubject {
        switch subject {
        case .pid(let pid): try resolve(pid: pid)
        case .application(let name): try resolve(application: name)
        case .target(let target): try resolve(target, addresses)
        }
    }

    private func resolve(pid: Int32) throws(ManagerError) -> ResolvedSubject {
        guard let process = observations.first(where: { $0.pid == pid }) else {
            throw ManagerError(.pidUnknown, "there is no process \(pid)", hint: "dtm apps lists the processes")
        }
        guard !own.processes.contains(pid) else { throw Self.ownPart("process \(pid)") }
        let places = ListeningPlace.collect([process])
        if places.isEmpty, process.gaps.contains(.sockets) || (process.uid != managerUID && managerUID != 0) {
            throw Self.foreign(process, managerUID)
        }
        guard !places.isEmpty else {
            throw ManagerError(
                .pidWithoutListener, "process \(pid) (\(process.name)) listens on no TCP port and no Unix socket",
                hint: "name the endpoint instead: dtm protect HOST:PORT")
        }
        return try single(places, of: "process \(pid) (\(process.name))")
    }

    private func resolve(application name: String) throws(ManagerError) -> ResolvedSubject {
        let exact = observations.filter { $0.application == name || $0.name == name }
        // People call redis-server redis, and a tunnel to it would be named so.
        let named = exact.isEmpty ? observations.filter { StableName.short($0.application) == name } : exact
        let processes = named.filter { !own.processes.contains($0.pid) }
        guard !processes.isEmpty else {
            if !named.isEmpty { throw Self.ownPart(printable(name)) }
            throw ManagerError(
                .subjectUnknown, "no application named \(printable(name)) runs here",
                hint: "dtm apps lists those that run")
        }
        let places = ListeningPlace.collect(processes)
        guard !places.isEmpty else {
            if let hidden = processes.first(where: { $0.gaps.contains(.sockets) }) {
                throw Self.foreign(hidden, managerUID)
            }
            throw ManagerError(
                .pidWithoutListener, "the application \(name) listens on no TCP port and no Unix socket",
                hint: "name the endpoint instead: dtm protect HOST:PORT")
        }
        return try single(places, of: "the application \(name)")
    }

    private func single(_ places: [ListeningPlace], of whom: String) throws(ManagerError) -> ResolvedSubject {
        guard places.count == 1, let place = places.first else {
            let choices = places.prefix(8).map { "dtm protect \($0.target)" }.joined(separator: ", or ")
            throw ManagerError(
                .subjectAmbiguous, "\(whom) listens at \(places.count) places: \(Self.list(places))", hint: choices)
        }
        return ResolvedSubject(
            target: place.target, ownerUID: place.ownerUID, application: place.application, listeners: place.addresses)
    }

    private func resolve(_ target: Target, _ addresses: [IPAddress]) throws(ManagerError) -> ResolvedSubject {
        let matching = observations.filter { process in
            process.listeners.contains { $0.answers(target, at: addresses) }
        }
        try checkOwn(target, addresses, matching)
        let places = ListeningPlace.collect(matching).filter { place in
            place.listeners.contains { $0.answers(target, at: addresses) }
        }
        return ResolvedSubject(
            target: target, ownerUID: places.lazy.compactMap(\.ownerUID).first,
            application: places.lazy.compactMap(\.application).first, listeners: places.flatMap(\.addresses))
    }

    private func checkOwn(
        _ target: Target, _ addresses: [IPAddress], _ matching: [ApplicationObservation]
    ) throws(ManagerError) {
        let isOwnEndpoint: Bool
        switch target {
        case .tcp(_, let port):
            isOwnEndpoint = addresses.contains { own.endpoints.contains(Endpoint(address: $0, port: port)) }
        case .unix(let path): isOwnEndpoint = own.socketPaths.contains(path)
        }
        guard !isOwnEndpoint, !matching.contains(where: { own.processes.contains($0.pid) }) else {
            throw Self.ownPart(target.description)
        }
    }
}

extension SubjectResolver {
    private static func ownPart(_ what: String) -> ManagerError {
        ManagerError(
            .targetOwn, "\(what) is a part of this manager: a tunnel to it would lead into itself",
            hint: "protect the application behind it instead; dtm tunnels lists the targets")
    }

    private static func foreign(_ process: ApplicationObservation, _ managerUID: UInt32) -> ManagerError {
        ManagerError(
            .pidForeign,
            "process \(process.pid) (\(process.name)) belongs to user \(process.user), and this manager runs as uid "
                + "\(managerUID), which may not see its sockets",
            hint: "name the endpoint instead, dtm protect HOST:PORT, or run a manager as root or as \(process.user)")
    }

    private static func list(_ places: [ListeningPlace]) -> String {
        let shown = places.prefix(8).map(\.target.description).joined(separator: ", ")
        return places.count > 8 ? "\(shown) and \(places.count - 8) more" : shown
    }
}
