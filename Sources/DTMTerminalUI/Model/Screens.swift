/// One of the screens that Tab goes through.
enum Screen: Int, CaseIterable, Sendable {
    case applications, tunnels, findings, security, events, performance

    var title: String {
        switch self {
        case .applications: "Applications"
        case .tunnels: "Tunnels"
        case .findings: "Findings"
        case .security: "Security"
        case .events: "Events"
        case .performance: "Performance"
        }
    }

    var next: Self { Self(rawValue: (rawValue + 1) % Self.allCases.count) ?? .applications }
    var previous: Self { Self(rawValue: (rawValue + Self.allCases.count - 1) % Self.allCases.count) ?? .applications }

    /// Whether it has rows that are selected and filtered, or a text that scrolls.
    var isList: Bool {
        switch self {
        case .applications, .tunnels, .findings, .events: true
        case .security, .performance: false
        }
    }
}

/// What a row stands for; it stays the same when rows move.
enum RowID: Hashable, Sendable {
    case app(Int32)
    case tunnel(String)
    case finding(String)
    case response(String)
    case event(UInt64)
    /// What the analyst knows of a process, by its PID, an application or a tunnel.
    case analysis(String)
}

/// Where one is in a list.
struct ListState: Hashable, Sendable {
    /// The rows in their order, filtered. Kept up to date by the model.
    var rows: [RowID] = []
    var selection: RowID?
    /// Which of ``rows`` is selected.
    var index = 0
    /// The first row that is shown.
    var offset = 0
    var filter = ""
    /// Whether the newest row stays selected.
    var followsEnd = false

    /// Takes new rows; the selection stays with its row, or at its place when the row is gone.
    mutating func update(_ rows: [RowID]) {
        self.rows = rows
        if followsEnd {
            index = max(0, rows.count - 1)
        } else if let selection, index < rows.count, rows[index] == selection {
            // Most of the time nothing moves.
        } else if let selection, let found = rows.firstIndex(of: selection) {
            index = found
        } else {
            index = min(index, max(0, rows.count - 1))
        }
        selection = rows.isEmpty ? nil : rows[index]
    }

    mutating func move(to wanted: Int, isTail: Bool = false) {
        index = min(max(0, wanted), max(0, rows.count - 1))
        selection = rows.isEmpty ? nil : rows[index]
        followsEnd = isTail && index == rows.count - 1
    }

    /// Keeps the selection in sight.
    mutating func scroll(height: Int) {
        let height = max(1, height)
        if index < offset { offset = index }
        if index >= offset + height { offset = index - height + 1 }
        offset = min(offset, max(0, rows.count - height))
    }
}

/// What is laid over the screen.
enum Dialog: Hashable, Sendable {
    case help(offset: Int)
    case menu(Menu)
    case prompt(Prompt)

    /// A question with its answers.
    struct Menu: Hashable, Sendable {
        struct Choice: Hashable, Sendable {
            var label: String
            /// Nil: nothing is done.
            var effect: Effect?
        }
        var title: String
        var text: [String] = []
        var choices: [Choice]
        var index = 0
    }

    /// A question that is answered by typing.
    struct Prompt: Hashable, Sendable {
        enum Purpose: Hashable, Sendable { case analyse }
        var purpose: Purpose
        var title: String
        var hint: String
        var text: String
        /// The longest text.
        var limit = 100
    }
}

/// Something to say, for a while.
struct Message: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case progress, done, failed }
    var kind: Kind
    var text: String
    var hint: String?
    /// Of the console's clock; nil: until something else is to be said.
    var until: Duration?
}

/// What was asked for by `dtm ui`.
public struct ConsoleOptions: Hashable, Sendable {
    /// Nothing can be changed.
    public var isReadOnly: Bool
    /// Whether `dtm up` started it: then its end may be the manager's.
    public var isAttached: Bool
    /// Whether colours are unwanted, as `NO_COLOR` says.
    public var refusesColours: Bool
    /// Whether the terminal shows ASCII alone.
    public var isASCII: Bool
    /// ` --home DIR` for the commands that are suggested; empty where the usual home is meant.
    public var suffix: String

    public init(
        isReadOnly: Bool = false, isAttached: Bool = false, refusesColours: Bool = false, isASCII: Bool = false,
        suffix: String = ""
    ) {
        self.suffix = suffix
        self.isReadOnly = isReadOnly
        self.isAttached = isAttached
        self.refusesColours = refusesColours
        self.isASCII = isASCII
    }
}
