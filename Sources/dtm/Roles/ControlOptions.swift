import ArgumentParser
import DTMAPI
import DTMManager
import DTMPlan

/// What the launcher hands on to control.
struct ControlOptions: ParsableArguments {
    @Option var home: String
    @Option var launcher: Int32
    @Option var config: String?
    @Flag var auto = false
    @Flag(name: .customLong("no-ui")) var noUI = false
    @Flag var system = false
    @Flag var banner = false
    @Option(name: .customLong("passphrase-file")) var passphraseFile: String?
    @Option(name: .customLong("retained-key")) var retainedKey: Int32?

    var controlArguments: ControlArguments {
        ControlArguments(
            home: home, configuration: config, environmentConfiguration: HomeDirectory.variable("DTM_CONFIG"),
            auto: auto,
            noUI: noUI, system: system, launcherDescriptor: ProcessChannel.childDescriptor, launcherPID: launcher,
            printsBanner: banner, passphraseFile: passphraseFile,
            credentials: HomeDirectory.variable("CREDENTIALS_DIRECTORY"),
            retainedKeyDescriptor: retainedKey)
    }
}
