/// One whole frame to and from bytes, for what holds no secret: tests, fuzzing, tools. A ``PlanLink`` does the same
/// without the copies.
public enum FrameCodec {
    /// The frame of a message.
    ///
    /// - Throws: ``PlanError``: `size`, `value` or `text` for a field that breaks its bound; `secret` for a window key,
    ///   which has no form in an ordinary buffer.
    public static func encode(_ message: some PlanMessage) throws(PlanError) -> [UInt8] {
        guard message.secret == nil else { throw .secretInBuffer }
        var writer = FrameWriter()
        try message.append(to: &writer)
        return writer.bytes
    }

    /// The message of exactly one frame.
    ///
    /// - Throws: ``PlanError`` that names the first field that is wrong.
    public static func decode<Message: PlanMessage>(
        _ type: Message.Type, from frame: [UInt8]
    ) throws(PlanError) -> Message {
        var reader = FrameReader(frame, 0..<frame.count)
        let length = Int(try reader.integer(UInt32.self, "length"))
        guard length <= type.maximumPayloadBytes else {
            throw .size(PlanBound("length", 0...type.maximumPayloadBytes, "bytes"), length)
        }
        let frameType = try reader.integer(UInt8.self, "type")
        guard let secretBytes = type.secretBytes(inFrameOfType: frameType) else { throw .type(frameType) }
        guard secretBytes == 0 else { throw .secretInBuffer }
        let present = frame.count - PlanProtocol.headerBytes
        guard present >= length else { throw .truncated("frame", needed: length, left: present) }
        guard present == length else { throw .trailing(present - length) }
        let message = try Message(type: frameType, from: &reader, secret: nil)
        try reader.finish()
        return message
    }
}
