import DTMAPI
import DTMCore
import DTMText

/// `dtm certs` for people.
enum CertificatesView {
    static func lines(_ list: CertificateList, _ style: TextStyle, now: Timestamp) -> [String] {
        ["Trust domain: \(shown(list.trustDomain))"] + table(list.certificates, now).lines(style)
    }

    static func lines(_ answer: CertificateChangeAnswer, did what: String, _ style: TextStyle, now: Timestamp)
        -> [String]
    {
        let head = "\(what) \(Quantity.count(answer.certificates.count, "certificate"))."
        let rows = answer.certificates.isEmpty ? [] : table(answer.certificates, now).lines(style)
        return [head] + rows + answer.notes.map { "note: \(shown($0))" }
    }

    private static func table(_ certificates: [CertificateList.Entry], _ now: Timestamp) -> TextTable {
        var table = TextTable([
            // The serial number is what one copies: it is never cut.
            .text("SERIAL"), .text("ROLE"), .text("TUNNEL", least: 6), .text("STATUS"), .text("EXPIRES"),
            .text("IDENTITY", least: 8),
        ])
        for entry in certificates {
            table.add([
                .init(entry.serial), .init(entry.role), .init(entry.tunnel ?? "-"),
                .init(entry.status, entry.status == "valid" ? .green : .yellow),
                .init(Quantity.relative(entry.notAfter, to: now)), .init(entry.identity),
            ])
        }
        return table
    }
}
