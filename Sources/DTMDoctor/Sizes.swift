/// A size in bytes, as people read it: in powers of 1024 (IEC 80000-13), to one decimal.
func size(_ bytes: UInt64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    guard bytes >= 1024 else { return "\(bytes) B" }
    var tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024
    var unit = 0
    while tenths >= 10_240, unit < units.count - 1 {
        tenths /= 1024
        unit += 1
    }
    return tenths % 10 == 0 ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
}

/// How a setting of the kernel is set, now and for the next start (`sysctl(8)`).
func sysctl(_ name: String, _ value: String) -> String {
    "sysctl -w \(name)=\(value); to keep it, put \(name)=\(value) into /etc/sysctl.d/90-dtm.conf"
}

/// As `5000-6000`, or `5000` alone.
func text(_ range: ClosedRange<UInt16>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
}
