import DTMAPI
import DTMCore

/// All that a console is at a moment, apart from the terminal: a value that takes keys and news and says what is to be done.
///
/// `apply(_:at:)` news and `handle(_:)` keys change it; ``ConsoleView`` makes a screen of it.
struct ConsoleModel: Sendable {
    let options: ConsoleOptions
    /// As the manager told it last.
    private(set) var live = LiveData()
    /// As it was when the console was paused; nil when it is not.
    private(set) var frozen: LiveData?
    var screen = Screen.applications
    /// What was gone into, the innermost last.
    var details: [RowID] = []
    var lists: [Screen: ListState] = [
        .events: {
            var list = ListState(); list.followsEnd = true; return list
        }()
    ]
    /// The first line that is shown of a text that scrolls.
    var scroll = 0
    var dialog: Dialog?
    /// Whether the filter is being typed.
    var isFiltering = false
    var message: Message?
    var sorting = AppSorting.relevance
    var isSortReversed = false
    /// Whether processes without sockets are listed too.
    var showsAll = false
    private(set) var doctor: DoctorReport?
    private(set) var certificates: CertificateList?
    /// When the two were last asked for.
    private var askedAt: Duration?
    /// What the analyst said, and about whom.
    private(set) var analysis: AnalysisAnswer?
    private var analysisQuestion: AnalysisQuestion?
    /// The console's clock.
    private(set) var now = Duration.zero
    /// How large the screen is; lists scroll by it.
    var canvas: Canvas
    private var listed: AppsListing?

    /// What the rows of the list of applications depend on.
    private struct AppsListing: Equatable {
        var revision: Int
        var sorting: AppSorting
        var isReversed: Bool
        var all: Bool
        var filter: String
    }

    init(options: ConsoleOptions = ConsoleOptions(), canvas: Canvas = Canvas(rows: 24, columns: 80)) {
        self.options = options
        self.canvas = canvas
    }

    /// What is shown.
    var data: LiveData { frozen ?? live }
    var isPaused: Bool { frozen != nil }
    /// Whether this console may change anything.
    var maySteer: Bool { !options.isReadOnly && live.maySteer }
    /// The manager's time of what is shown.
    var managerTime: Timestamp? { live.managerTime(at: now) }

    var list: ListState {
        get { lists[screen] ?? ListState() }
        set { lists[screen] = newValue }
    }

    // MARK: News

    mutating func apply(_ news: ConsoleNews) -> [Effect] {
        switch news {
        case .update(let update):
            live.apply(update, at: now)
            refreshRows()
        case .lost(let reason): live.lost(reason, at: now)
        case .outcome(let outcome): return take(outcome)
        }
        return []
    }

    /// Time has passed.
    mutating func tick(at now: Duration) -> [Effect] {
        self.now = now
        live.sample(at: now)
        if let until = message?.until, until <= now { message = nil }
        return dueQuestions()
    }

    /// What the stream does not bring is asked for while it is looked at.
    private mutating func dueQuestions() -> [Effect] {
        guard live.link.isLive else { return [] }
        return dueAnalysis() + dueChecks()
    }

    private mutating func dueAnalysis() -> [Effect] {
        guard let name = analysisSubject else { return [] }
        if let question = analysisQuestion, question.name == name, isPaused || !question.isDue(at: now) { return [] }
        analysisQuestion = AnalysisQuestion(name: name, at: now)
        return [.loadAnalysis(name)]
    }

    private mutating func dueChecks() -> [Effect] {
        guard screen == .security else { return [] }
        if let askedAt, now - askedAt < .seconds(30) { return [] }
        askedAt = now
        return [.loadDoctor, .loadCertificates]
    }

    /// An answer about somebody who is not looked at any more comes too late.
    private mutating func take(_ outcome: AnalysisAnswer.Outcome, about name: String) {
        guard analysisQuestion?.name == name else { return }
        analysisQuestion?.isOpen = false
        if case .failed = outcome, analysis?.name == name, !live.link.isLive { return }
        analysis = AnalysisAnswer(name: name, outcome: outcome)
    }

    private mutating func take(_ outcome: EffectOutcome) -> [Effect] {
        if case .loadAnalysis(let name) = outcome.effect {
            switch outcome.value {
            case .analysis(let report): take(.report(report), about: name)
            case .failed(let message, let hint): take(.failed(message: message, hint: hint), about: name)
            default: break
            }
            return []
        }
        switch outcome.value {
        case .passphraseNeeded: return [.confirm(outcome.effect)]
        case .doctor(let report): doctor = report
        case .certificates(let list): certificates = list
        case .analysis: break
        case .said(let text):
            message = Message(kind: .done, text: text, hint: nil, until: now + .seconds(6))
            live.assume(outcome.effect)
        case .notice(let title, let text):
            message = nil
            // What somebody is in the middle of is not taken from under his fingers.
            if dialog == nil, !isFiltering {
                dialog = .menu(.init(title: title, text: text, choices: [.init(label: "Go on", effect: nil)]))
            }
        case .failed(let text, let hint):
            // A look that failed is shown as missing, where it would stand.
            guard outcome.effect != .loadDoctor, outcome.effect != .loadCertificates else { return [] }
            message = Message(kind: .failed, text: text, hint: hint, until: now + .seconds(30))
        }
        return []
    }

    mutating func pause() {
        frozen = frozen == nil ? live : nil
        listed = nil
        refreshRows()
    }

    // MARK: Rows

    /// Brings the rows of all lists up to date.
    mutating func refreshRows() {
        let data = data
        refreshApps(data)
        update(.tunnels) { filter in
            data.tunnelNames.filter { name in data.tunnels[name].map { filter.matches($0.report) } ?? false }
                .map(RowID.tunnel)
        }
        update(.findings) { filter in
            let responses = (data.responses?.pending ?? []) + (data.responses?.active ?? [])
            return responses.filter(filter.matches).map { .response($0.id) }
                + (data.findings?.findings ?? []).filter(filter.matches).map { .finding($0.id) }
        }
        guard screen == .events else { return }
        update(.events) { filter in data.events.filter(filter.matches).map { .event($0.id) } }
    }

    private mutating func update(_ screen: Screen, _ rows: (Filter) -> [RowID]) {
        var list = lists[screen] ?? ListState()
        list.update(rows(Filter(list.filter)))
        lists[screen] = list
    }

    private mutating func refreshApps(_ data: LiveData) {
        let filter = lists[.applications]?.filter ?? ""
        let wanted = AppsListing(
            revision: data.appsRevision, sorting: sorting, isReversed: isSortReversed, all: showsAll, filter: filter)
        guard listed != wanted else { return }
        listed = wanted
        let sorting = sorting
        let isReversed = isSortReversed
        let all = showsAll
        update(.applications) { filter in
            let entries = data.apps.values.filter { (all || $0.hasSockets) && filter.matches($0.report) }
            return sorting.sorted(entries, isReversed: isReversed).map(RowID.app)
        }
    }
}
