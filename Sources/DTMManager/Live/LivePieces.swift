import DTMAPI

extension LiveUpdate {
    /// This update as several that are no larger than ``LiveBounds`` allows. The first bears what there is one of, and is
    /// a snapshot if this is one; the others add to it.
    var pieces: [LiveUpdate] {
        var rest = self
        var pieces: [LiveUpdate] = []
        repeat {
            var piece = pieces.isEmpty ? self : LiveUpdate(isSnapshot: false, time: time)
            piece.apps = rest.apps.taking(LiveBounds.apps)
            piece.goneApps = rest.goneApps.taking(LiveBounds.gone)
            piece.tunnels = rest.tunnels.taking(LiveBounds.tunnels)
            piece.goneTunnels = rest.goneTunnels.taking(LiveBounds.gone)
            piece.events = rest.events.taking(LiveBounds.events)
            pieces.append(piece)
        } while rest.hasRows
        return pieces
    }

    /// Two that say the same; nil where nothing can be taken out.
    var halves: (LiveUpdate, LiveUpdate)? {
        guard max(apps.count, tunnels.count, events.count, goneApps.count, goneTunnels.count) > 1 else { return nil }
        var first = self
        var second = LiveUpdate(isSnapshot: false, time: time)
        second.apps = first.apps.removingHalf()
        second.goneApps = first.goneApps.removingHalf()
        second.tunnels = first.tunnels.removingHalf()
        second.goneTunnels = first.goneTunnels.removingHalf()
        second.events = first.events.removingHalf()
        return (first, second)
    }

    private var hasRows: Bool {
        !(apps.isEmpty && goneApps.isEmpty && tunnels.isEmpty && goneTunnels.isEmpty && events.isEmpty)
    }
}

extension Array {
    /// Takes so many elements, or all there are, from the beginning.
    fileprivate mutating func taking(_ count: Int) -> [Element] {
        defer { removeFirst(Swift.min(count, self.count)) }
        return Array(prefix(count))
    }

    /// Takes the second half away.
    fileprivate mutating func removingHalf() -> [Element] {
        let kept = (count + 1) / 2
        defer { removeLast(count - kept) }
        return Array(suffix(count - kept))
    }
}
