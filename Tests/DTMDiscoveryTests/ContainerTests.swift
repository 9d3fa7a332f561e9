@testable import DTMDiscovery
import Testing

@Suite("Units and containers in control groups")
struct ContainerTests {
    static let id = String(repeating: "0123456789abcdef", count: 4)

    @Test(
        "Containers are known by the patterns of their runtimes",
        arguments: [
            ("/system.slice/docker-\(id).scope", .docker), ("/docker/\(id)", .docker), ("/docker/\(id)/init", .docker),
            ("/machine.slice/libpod-\(id).scope/container", .podman),
            ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(id).scope", .podman),
            ("/kubepods.slice/kubepods-burstable.slice/kubepods-pod1.slice/cri-containerd-\(id).scope", .containerd),
            ("/system.slice/containerd.service/kubepods-besteffort-pod1.slice:cri-containerd:\(id)", .containerd),
            ("/kubepods.slice/kubepods-pod1.slice/crio-\(id).scope", .crio),
            ("/kubepods/burstable/pod2/\(id)", .kubernetes),
        ] as [(String, ContainerReference.Runtime)])
    func containers(path: String, runtime: ContainerReference.Runtime) {
        #expect(ControlGroup.container(path) == ContainerReference(runtime: runtime, id: Self.id))
    }

    @Test("LXC names its containers")
    func lxc() {
        #expect(ControlGroup.container("/lxc.payload.web/system.slice")?.id == "web")
        #expect(ControlGroup.container("/lxc/web") == ContainerReference(runtime: .lxc, id: "web"))
    }

    @Test(
        "Other paths name none",
        arguments: [
            "/", "", "/system.slice/nginx.service", "/a/\(id)0", "/a/\(id.dropLast())", "/a/" + id.uppercased(),
        ])
    func none(path: String) {
        #expect(ControlGroup.container(path) == nil)
    }

    @Test("The unit is the innermost service or scope")
    func units() {
        #expect(ControlGroup.unit("/system.slice/nginx.service") == "nginx.service")
        #expect(ControlGroup.unit("/user.slice/user-1000.slice/session-3.scope") == "session-3.scope")
        #expect(ControlGroup.unit("/a/b") == nil)
    }
}
