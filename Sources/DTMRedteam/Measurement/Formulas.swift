/// What `docs/threat-model.md` promises, as numbers.
public enum Formulas {
    /// The time-mean of R / (R + K): with which probability who tries listeners without knowing which is which meets one
    /// that serves before a decoy. R is 1, and one more for each overlap that still stands.
    ///
    /// - Parameter decoys: K, at least 0.
    /// - Parameter interval: Seconds between rotations, above 0.
    /// - Parameter overlap: Seconds, at least 0.
    public static func touch(decoys: Int, interval: Double, overlap: Double) -> Double {
        guard interval > 0 else { return 1 }
        let overlaps = max(0, overlap) / interval
        let (whole, part) = (overlaps.rounded(.down), overlaps - overlaps.rounded(.down))
        func share(_ real: Double) -> Double { real / (real + Double(max(0, decoys))) }
        return (1 - part) * share(1 + whole) + part * share(2 + whole)
    }

    /// With which probability one of `probes` at random places is a given endpoint, where addresses hop.
    ///
    /// - Parameter ports: How many the schedule uses.
    public static func blind(probes: Double, ports: Int) -> Double {
        min(1, probes / (hoppingAddresses * Double(max(1, ports))))
    }

    /// 127.0.1.0 to 127.255.255.254: `docs/rotation-protocol.md`.
    public static let hoppingAddresses = Double((1 << 24) - 256 - 1)
}
