import DTMCore
import Glibc

/// What the kernel tells of processes by itself, where it may be asked to. Hints save work and time; without them, and when they
/// are wrong, the lists of processes and the looks in turn bring everything to light, only later.
extension LiveInventory {
    /// Whether the kernel tells of processes as they begin, end and change.
    public var hasProcessEvents: Bool { processEvents != nil }

    /// Takes over what was told since the last time.
    mutating func hear() -> ProcessHints {
        if var channel = processEvents.take() {
            do throws(ProcessEventChannel.Failure) {
                try channel.drain(into: &hints)
                processEvents = .some(channel)
            } catch {
                hints.lose()
            }
        }
        let heard = hints.take()
        briefProcesses += heard.brief
        for pid in heard.changed where changed.count < ProcessHints.maximum { changed.insert(pid) }
        if heard.isLossy || !heard.began.isEmpty { isListWanted = true }
        // A process that ended is in the list until its parent has asked for it, and that is not told.
        ended.formUnion(heard.ended)
        return heard
    }

    /// Whether the set of processes still is that of the last list.
    ///
    /// With the same number of tasks and the same last PID it is, whatever is told. With other ones threads came or went, if that
    /// is all that was told. That nothing was told is no proof, for others can make the kernel stop telling: then no thread is told of either.
    mutating func isUnchanged(_ heard: ProcessHints, _ mark: ArraySlice<UInt8>) -> Bool {
        if isListWanted { return false }
        if let taskMark, mark.elementsEqual(taskMark) { return true }
        guard ended.isEmpty, tickNumber < listTick + Self.ticksWithoutList else { return false }
        if let quietMark, mark.elementsEqual(quietMark) { return true }
        guard heard.isAlive else { return false }
        quietMark = Array(mark)
        return true
    }

    /// After so many ticks processes are listed, unless it is proven that none began or ended.
    private static var ticksWithoutList: UInt64 { 30 }

    /// Notes that processes are listed now.
    mutating func noteList(_ mark: ArraySlice<UInt8>?) {
        taskMark = mark.map { Array($0) }
        quietMark = nil
        listTick = tickNumber
        isListWanted = false
    }

    /// Forgets the ends of those that are gone by now.
    mutating func settleEnds() { ended = ended.filter { table.slotOf[$0] != nil } }

    /// Reads again what processes are that are said to have changed; what does not fit into one tick waits for the next.
    mutating func lookAtChanged() {
        var rest = limits.changesPerTick
        while rest > 0, let pid = changed.popFirst() {
            // Who was read for the first time in this tick was read after he changed.
            guard let slot = table.slotOf[pid], table.slots[slot].born < tickNumber else { continue }
            reidentify(slot)
            rest -= 1
        }
    }
}
