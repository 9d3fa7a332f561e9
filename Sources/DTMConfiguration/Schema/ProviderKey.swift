import DTMCore

/// The key for a model provider, which is checked where it stands in the file and never copied here.
enum ProviderKey {
    static let maximumBytes = 512
    static let allowed =
        "a string of 1 to \(maximumBytes) visible ASCII characters without \\ escapes, not only asterisks"

    static func isAllowed(_ text: HiddenText) -> Bool {
        text.isPlain && !text.isMask && (1...maximumBytes).contains(text.range.count)
    }
}
