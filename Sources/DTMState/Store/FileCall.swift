import Glibc

/// What a folder of the state asks the kernel for.
enum FileCall: Sendable {
    case makeFolder, open, look, list, read, write, flush, close, rename, remove

    /// Tests make calls fail: given a call, the `errno` it ends with instead of being carried out, or nil. Only what a
    /// test runs within its own task sees it; a value that is bound to a task is no global one.
    @TaskLocal static var fault: (@Sendable (FileCall) -> Int32?)?

    /// Carries out a call that says -1 and sets `errno` when it fails.
    func ask<Value: SignedInteger>(_ body: () -> Value) -> Value {
        if let code = Self.fault?(self) {
            errno = code
            return -1
        }
        return body()
    }
}
