/// How large things may get. Whatever is larger is refused before or while it is read.
public enum OpenPGPBounds {
    /// A message, and the content that comes out of one, in bytes.
    public static let message = 64 << 20
    /// A content that goes into a message: what is left when packets and recipients are taken off.
    public static let content = message - (1 << 20)
    /// A public key, binary or armored, in bytes.
    public static let publicKey = 1 << 20
    /// A password in bytes: librnp passes no longer ones on.
    public static let password = 255
    /// Recipients of a message.
    public static let recipients = 64
    /// Passwords of a message: each costs a key derivation to try.
    public static let passwords = 4
    /// A user ID in bytes: more than that is no name.
    public static let userID = 128
    /// User IDs of a key that are kept; further ones are left out.
    public static let userIDs = 32
}
