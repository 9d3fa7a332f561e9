/// Keeps managers away from a home, for as long as the value lives: for commands that change what a manager would be
/// using.
public struct HomeLock: ~Copyable {
    private let home: ManagerHome

    /// Makes the home when it is missing.
    ///
    /// - Throws: ``LauncherError`` when a manager has it, and says which; when the home can't be used.
    public init(_ path: String) throws(LauncherError) { home = try ManagerHome(path: path) }
}
