import DTMText

extension ConsoleModel {
    /// Takes a key, and says what is to be done outside.
    mutating func handle(_ key: Key) -> [Effect] {
        if message?.kind == .failed { message = nil }
        defer { refreshRows() }
        switch key {
        case .control("z"): return [.suspend]
        case .control("l"): return [.redraw]
        case .control("c"): return quit()
        default: break
        }
        if dialog != nil { return handleInDialog(key) }
        if isFiltering { return handleInFilter(key) }
        if moves(key) { return [] }
        return handleCommand(key)
    }

    // MARK: Moving

    /// Whether it was a key that moves.
    private mutating func moves(_ key: Key) -> Bool {
        let page = max(1, ConsoleView.bodyRows(self) - 2)
        switch key {
        case .up, .character("k"): move(by: -1)
        case .down, .character("j"): move(by: 1)
        case .pageUp, .control("b"): move(by: -page)
        case .pageDown, .control("f"): move(by: page)
        case .wheelUp: move(by: -3)
        case .wheelDown: move(by: 3)
        case .home, .character("g"): move(by: -1_000_000)
        case .end, .character("G"): move(by: 1_000_000)
        case .click(let row): click(row)
        default: return false
        }
        return true
    }

    private mutating func move(by count: Int) {
        guard screen.isList, details.isEmpty else {
            scroll = min(max(0, scroll + count), max(0, ConsoleView.textLines(self) - ConsoleView.bodyRows(self)))
            return
        }
        list.move(to: list.index + count, isTail: screen == .events)
        list.scroll(height: ConsoleView.listRows(self))
    }

    private mutating func click(_ row: Int) {
        guard screen.isList, details.isEmpty, let line = ConsoleView.listLine(at: row, self) else { return }
        let wanted = list.offset + line
        guard wanted < list.rows.count else { return }
        list.move(to: wanted, isTail: screen == .events)
    }

    // MARK: Commands

    private mutating func handleCommand(_ key: Key) -> [Effect] {
        switch key {
        case .tab: show(screen.next)
        case .backTab: show(screen.previous)
        case .right where details.isEmpty: show(screen.next)
        case .left where details.isEmpty: show(screen.previous)
        case .character(let character): return handleCommand(character)
        case .enter: goIn()
        case .escape, .backspace: goOut()
        default: break
        }
        return tick(at: now)
    }

    private mutating func handleCommand(_ character: Character) -> [Effect] {
        switch character {
        case "q", "Q": return quit()
        case "?", "h": dialog = .help(offset: 0)
        case "/": startFilter()
        case " ": pause()
        case "s": sort(next: true)
        case "S": sort(next: false)
        case "v": if screen == .applications { showsAll.toggle() }
        case "1"..."6":
            if let number = character.wholeNumberValue, let screen = Screen(rawValue: number - 1) { show(screen) }
        default: return steer(character)
        }
        return tick(at: now)
    }

    private mutating func show(_ wanted: Screen) {
        screen = wanted
        details = []
        scroll = 0
    }

    private mutating func goIn() {
        guard let subject, details.last != subject else { return }
        details.append(subject)
        scroll = 0
    }

    private mutating func goOut() {
        scroll = 0
        if details.popLast() != nil { return }
        if !list.filter.isEmpty { list.filter = "" }
    }

    private mutating func sort(next: Bool) {
        guard screen == .applications, details.isEmpty else { return }
        if next {
            sorting = sorting.next
            isSortReversed = false
        } else {
            isSortReversed.toggle()
        }
    }

    /// A console that belongs to `dtm up` may end the manager: it asks what is meant while there are tunnels.
    private mutating func quit() -> [Effect] {
        guard options.isAttached else { return [.end(.quit)] }
        let tunnels = live.tunnels.count
        guard tunnels > 0 || !live.link.isLive else { return [.end(.quit)] }
        let open = live.activeConnections
        let ends = open == 0 ? "" : ", and \(Quantity.count(open, "open connection")) with it"
        dialog = .menu(
            .init(
                title: "Quit",
                text: [
                    "This manager has \(Quantity.count(tunnels, "tunnel"))"
                        + (open == 0 ? "." : " with \(Quantity.count(open, "open connection")).")
                ],
                choices: [
                    .init(label: "Close the console, let the manager go on", effect: .end(.leaveRunning)),
                    .init(label: "End the manager\(ends)", effect: .end(.quit)),
                    .init(label: "Back", effect: nil),
                ]))
        return []
    }

    // MARK: The filter

    private mutating func startFilter() {
        guard screen.isList, details.isEmpty else { return }
        isFiltering = true
    }

    private mutating func handleInFilter(_ key: Key) -> [Effect] {
        switch key {
        case .enter: isFiltering = false
        case .escape:
            isFiltering = false
            list.filter = ""
        case .backspace, .delete: if !list.filter.isEmpty { list.filter.removeLast() }
        case .control("u"): list.filter = ""
        case .character(let character): if list.filter.count < 60 { list.filter.append(character) }
        case .up, .down, .pageUp, .pageDown: _ = moves(key)
        default: break
        }
        return []
    }

    // MARK: Dialogs

    private mutating func handleInDialog(_ key: Key) -> [Effect] {
        switch dialog {
        case .help(let offset): return handleInHelp(key, offset)
        case .menu(let menu): return handle(key, in: menu)
        case .prompt(let prompt): return handle(key, in: prompt)
        case nil: return []
        }
    }

    private mutating func handleInHelp(_ key: Key, _ offset: Int) -> [Effect] {
        let last = max(0, HelpView.lines(self).count - HelpView.height(self))
        switch key {
        case .up, .character("k"), .wheelUp: dialog = .help(offset: max(0, offset - 1))
        case .down, .character("j"), .wheelDown: dialog = .help(offset: min(last, offset + 1))
        case .pageDown: dialog = .help(offset: min(last, offset + 10))
        case .pageUp: dialog = .help(offset: max(0, offset - 10))
        case .character("q"), .character("Q"):
            dialog = nil
            return quit()
        default: dialog = nil
        }
        return []
    }

    private mutating func handle(_ key: Key, in menu: Dialog.Menu) -> [Effect] {
        var menu = menu
        let last = menu.choices.count - 1
        switch key {
        case .up, .character("k"), .wheelUp, .backTab: menu.index = menu.index == 0 ? last : menu.index - 1
        case .down, .character("j"), .wheelDown, .tab: menu.index = menu.index == last ? 0 : menu.index + 1
        case .enter: return choose(menu.choices[menu.index])
        case .character(let character):
            guard let number = character.wholeNumberValue, menu.choices.indices.contains(number - 1) else { break }
            return choose(menu.choices[number - 1])
        case .escape:
            dialog = nil
            return []
        default: break
        }
        dialog = .menu(menu)
        return []
    }

    private mutating func choose(_ choice: Dialog.Menu.Choice) -> [Effect] {
        dialog = nil
        return choice.effect.map { begin($0) } ?? []
    }

    private mutating func handle(_ key: Key, in prompt: Dialog.Prompt) -> [Effect] {
        var prompt = prompt
        switch key {
        case .escape:
            dialog = nil
            return []
        case .enter:
            dialog = nil
            return answer(prompt)
        case .backspace, .delete: if !prompt.text.isEmpty { prompt.text.removeLast() }
        case .control("u"): prompt.text = ""
        case .character(let character): if prompt.text.count < prompt.limit { prompt.text.append(character) }
        default: break
        }
        dialog = .prompt(prompt)
        return []
    }
}
