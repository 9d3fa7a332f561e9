import Hummingbird

/// The control API: one file for each resource.
enum ControlRouter {
    static func make(_ parts: ControlParts) -> Router<APIContext> {
        let router = Router(context: APIContext.self)
        router.add(middleware: ErrorMiddleware())
        router.add(middleware: CallerMiddleware(callers: parts.callers))
        router.add(middleware: RefusalMiddleware(recorder: parts.recorder))
        if let state = parts.state { router.add(middleware: SavingMiddleware(state: state)) }
        let api = router.group("v1")
        StatusRoutes(parts: parts).add(to: api)
        DoctorRoutes(parts: parts).add(to: api)
        ApplicationRoutes(parts: parts).add(to: api)
        TunnelRoutes(parts: parts).add(to: api)
        ConnectorRoutes(parts: parts).add(to: api)
        AutoTunnelRoutes(parts: parts).add(to: api)
        AnalysisRoutes(parts: parts).add(to: api)
        BaselineRoutes(parts: parts).add(to: api)
        FindingRoutes(parts: parts).add(to: api)
        ResponseRoutes(parts: parts).add(to: api)
        NotificationRoutes(parts: parts).add(to: api)
        HostingRoutes(parts: parts).add(to: api)
        EventRoutes(parts: parts).add(to: api)
        LiveRoutes(parts: parts).add(to: api)
        CertificateRoutes(parts: parts).add(to: api)
        ConfigurationRoutes(parts: parts).add(to: api)
        StateRoutes(parts: parts).add(to: api)
        return router
    }
}
