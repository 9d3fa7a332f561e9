/// The version of this program, as Semantic Versioning 2.0.0 has it.
public enum DTMVersion {
    /// `MAJOR.MINOR.PATCH`, as `dtm --version` and the API print it.
    public static let text = "0.1.0"
}
