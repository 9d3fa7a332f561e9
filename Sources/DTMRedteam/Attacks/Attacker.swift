import CDTMLinux
import DTMAPI
import DTMCore
import Glibc

/// The attacking process: `dtm __attacker`, started by `dtm redteam` and by nobody else.
///
/// It reads its order, becomes another user when it is told to, attacks, says what it saw, and holds its connections open until
/// its standard input ends. It opens sockets to 127.0.0.0/8 alone.
public enum Attacker {
    /// - Returns: the exit status.
    public static func run() -> Int32 {
        guard let line = readLine(), let order = try? APIJSON.decode(AttackOrder.self, from: line.utf8) else {
            return 64
        }
        var attack = AttackRun(order)
        if let uid = order.uid, dtm_become(uid, uid) != 0 {
            attack.report.problem = "it could not become uid \(uid)"
        } else {
            attack.carryOut()
        }
        guard say(.done(attack.report)) else { return 1 }
        // Until the other end is closed.
        while readLine() != nil {}
        return 0
    }

    static func say(_ line: AttackerLine) -> Bool {
        guard let bytes = try? APIJSON.encode(line) else { return false }
        let whole = bytes + [UInt8(ascii: "\n")]
        return whole.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = write(STDOUT_FILENO, buffer.baseAddress.map { $0 + sent }, buffer.count - sent)
                if count < 0 && errno != EINTR { return false }
                sent += max(0, count)
            }
            return true
        }
    }
}
