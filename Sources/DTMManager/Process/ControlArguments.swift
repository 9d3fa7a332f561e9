/// What the launcher tells control at its start.
public struct ControlArguments: Hashable, Sendable {
    /// `DTM_HOME`, absolute.
    public var home: String
    /// `--config`; nil without it.
    public var configuration: String?
    /// `DTM_CONFIG`; nil without it.
    public var environmentConfiguration: String?
    /// `--auto`.
    public var auto: Bool
    /// `--no-ui`.
    public var noUI: Bool
    /// Whether to listen for other users as well, at `/run/dtm/control.sock`. Root's managers with a home below `/run`
    /// or `/var` do so without being told.
    public var system: Bool
    /// The channel to the launcher.
    public var launcherDescriptor: Int32
    /// The launcher's process; nil when there is none.
    public var launcherPID: Int32?
    /// Whether to print the banner on standard output.
    public var printsBanner: Bool
    /// `--passphrase-file`: what unlocks a sealed state is its first line. Nil: a systemd credential, or the terminal.
    public var passphraseFile: String?
    /// `CREDENTIALS_DIRECTORY` (systemd.exec(5)); nil without it.
    public var credentials: String?
    /// A place in memory for the root key, handed over by the launcher; nil without one.
    public var retainedKeyDescriptor: Int32?

    /// Arguments; what is left out is as `dtm up` without options has it.
    public init(
        home: String, configuration: String? = nil, environmentConfiguration: String? = nil, auto: Bool = false,
        noUI: Bool = false, system: Bool = false, launcherDescriptor: Int32 = 3, launcherPID: Int32? = nil,
        printsBanner: Bool = true, passphraseFile: String? = nil, credentials: String? = nil,
        retainedKeyDescriptor: Int32? = nil
    ) {
        self.home = home
        self.configuration = configuration
        self.environmentConfiguration = environmentConfiguration
        self.auto = auto
        self.noUI = noUI
        self.system = system
        self.launcherDescriptor = launcherDescriptor
        self.launcherPID = launcherPID
        self.printsBanner = printsBanner
        self.passphraseFile = passphraseFile
        self.credentials = credentials
        self.retainedKeyDescriptor = retainedKeyDescriptor
    }
}
