/// The layout of `GET /v1/tunnels/NAME/windows` (`application/octet-stream`): the keys of the current and the next
/// window.
///
/// For each of the two, in order: the window's index (8 bytes, big-endian), then its key (32 bytes). 80 bytes in all.
/// Keys are never part of a JSON text: they go from this frame into locked memory.
public enum WindowKeysFrame {
    public static let keyBytes = 32
    public static let entryBytes = 8 + keyBytes
    public static let entries = 2
    public static let totalBytes = entries * entryBytes
}
