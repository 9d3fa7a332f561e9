/// The constants of the plan protocol, all but its bounds, which are in ``PlanBounds``.
///
/// A frame is the length of its payload (4 bytes), its type (1 byte) and its payload. Numbers are big-endian. A text, a
/// byte string and a list start with their length or count (2 bytes); an optional value with one byte, 0 or 1.
///
/// Compatibility: a hello is the first frame each way, for ever of type 1 from control and 129 from the data plane, and
/// starts for ever with the version in 2 bytes. Both processes are the same program, so there is nothing to negotiate:
/// another version is refused, by an error that names both, before anything else of the frame is read.
public enum PlanProtocol {
    /// Goes up with every change of a frame.
    public static let version: UInt16 = 5

    /// Bytes before a frame's payload.
    public static let headerBytes = 5

    /// The longest payload from control to the data plane, in bytes.
    public static let maximumControlPayloadBytes = 4 << 20

    /// The longest payload from the data plane to control, in bytes.
    public static let maximumDataPlanePayloadBytes = 64 << 10

    /// A window key, in bytes.
    public static let windowKeyBytes = 32
}
