/// A container that a process runs in.
public struct ContainerReference: Hashable, Sendable {
    /// What made it.
    public enum Runtime: String, Hashable, Sendable, CaseIterable {
        case docker, podman, containerd, crio, kubernetes, lxc
    }

    public var runtime: Runtime
    /// 64 hexadecimal digits; a name for LXC.
    public var id: String

    public init(runtime: Runtime, id: String) {
        self.runtime = runtime
        self.id = id
    }
}

extension ControlGroup {
    /// The systemd unit that a path belongs to, as `nginx.service` or `session-3.scope`; nil outside systemd.
    static func unit(_ path: String) -> String? {
        let unit = path.split(separator: "/").last { $0.hasSuffix(".service") || $0.hasSuffix(".scope") }
        return unit.map(String.init)
    }

    /// The container that a path names, by the patterns of the common runtimes; nil where it names none. The innermost
    /// counts.
    static func container(_ path: String) -> ContainerReference? {
        let parts = path.split(separator: "/")
        for (index, part) in parts.enumerated().reversed() {
            if let name = lxc(part, below: index > 0 ? parts[index - 1] : nil) {
                return ContainerReference(runtime: .lxc, id: name)
            }
            if let id = identifier(part) {
                return ContainerReference(runtime: runtime(part, parts[..<index]), id: id)
            }
        }
        return nil
    }

    /// The 64 digits in `ID`, `docker-ID.scope`, `libpod-ID`, `…:cri-containerd:ID`.
    private static func identifier(_ part: Substring) -> String? {
        let trunk = part.hasSuffix(".scope") ? part.dropLast(6) : part
        let last = trunk.split(whereSeparator: { $0 == "-" || $0 == ":" || $0 == "_" }).last ?? ""
        let isID = last.utf8.count == 64 && last.utf8.allSatisfy(isHexadecimal)
        return isID ? String(last) : nil
    }

    private static func runtime(_ part: Substring, _ above: ArraySlice<Substring>) -> ContainerReference.Runtime {
        if part.contains("cri-containerd") { return .containerd }
        if part.contains("crio") { return .crio }
        if part.contains("libpod") { return .podman }
        if part.contains("docker") || above.last == "docker" { return .docker }
        if above.contains(where: { $0.hasPrefix("kubepods") }) { return .kubernetes }
        return above.contains(where: { $0.hasPrefix("machine") || $0.contains("libpod") }) ? .podman : .containerd
    }

    /// `lxc.payload.NAME` or `lxc/NAME`.
    private static func lxc(_ part: Substring, below parent: Substring?) -> String? {
        if part.hasPrefix("lxc.payload."), part.count > 12 { return String(part.dropFirst(12)) }
        return parent == "lxc" ? String(part) : nil
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
