package import ArgumentParser

/// The commands that are clients of a manager or work without one, as the program's help groups them. Those that *are*
/// a role, as `up` and `connect`, belong to the program.
package enum CommandCatalogue {
    package static let looking = CommandGroup(
        name: "Look",
        subcommands: [
            StatusCommand.self, AppsCommand.self, TunnelsCommand.self, FindingsCommand.self, EventsCommand.self,
            AnalyzeCommand.self, DoctorCommand.self,
        ])
    package static let steering = CommandGroup(
        name: "Steer",
        subcommands: [
            ProtectCommand.self, UnprotectCommand.self, RotateCommand.self, CertificatesCommand.self,
            ConfigurationCommand.self, RespondCommand.self,
        ])
    package static let testing = CommandGroup(name: "Test", subcommands: [RedteamCommand.self])
}
