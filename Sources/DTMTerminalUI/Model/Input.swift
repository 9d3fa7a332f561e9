/// What was pressed.
enum Key: Hashable, Sendable {
    case character(Character)
    case up, down, left, right, pageUp, pageDown, home, end
    case enter, escape, tab, backTab, backspace, delete
    /// Control with a letter, in lower case.
    case control(Character)
    /// The wheel, and where.
    case wheelUp(row: Int), wheelDown(row: Int)
    case click(row: Int)
    case other
}
