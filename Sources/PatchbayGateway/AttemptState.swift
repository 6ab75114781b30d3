import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayWire

/// What an exchange knows about the attempt in progress.
struct AttemptState {
    enum Mode {
        /// No head of an answer yet.
        case sent
        /// The whole body is collected before anything is sent to the client.
        case collecting
        /// A stream whose first good event has not come: its bytes are held back.
        case holding
        /// A stream that the client is receiving.
        case passing
        /// A stream that becomes a document, because the client wants one.
        case folding
        /// Bytes that are neither a document nor events, passed on as they come.
        case relaying
    }

    var slot: CandidateSlot?
    /// Set where a second attempt may come beside this one.
    var leg: HedgeLeg?
    /// The format the upstream is spoken to in.
    var binding: FormatBinding?
    /// It is the client's own.
    var isSameFormat = true
    var upstreamModel = ""
    /// A stream is asked for.
    var streams = false
    /// Members of the body that the upstream refuses.
    var unwanted: [String] = []
    /// Capability profile of the model, JSON; empty = nothing is known.
    var profile: [UInt8] = []
    var startedAt: Int64 = 0
    /// When the head of a streamed answer came; 0 = it has not.
    var headAt: Int64 = 0
    var mode = Mode.sent
    var status = 0
    /// No connection could be made, so that no other account of the site fares better.
    var isUnreachable = false
    /// Head of the answer; spans of `fields` point into it.
    var headBytes = ByteBuffer()
    var fields = ContiguousArray<HTTPField>()
    var collected = ByteBuffer()
    /// Header lines of the answer that are passed on, of a successful one.
    var forwarded = ByteBuffer()
    var hasContentType = false
    /// Takes frames that are all the same but for their texts.
    var shortcuts = ShortcutState()
    /// Items of a stream that passes through, one after the other, for the store.
    var doneItems: [UInt8] = []
    /// Length of an answer that is relayed; nil = the upstream did not say.
    var relayLength: Int?
    /// Cuts the stream into frames; nil unless the answer is a stream.
    var splitter: SSEFrameSplitter?
    /// Cuts a stream that came as one array instead of events.
    var arraySplitter: JSONArraySplitter?
    var decoder: StreamDecoder?
    /// Writes the stream of another format, or folds it; nil when the upstream's own bytes are passed on.
    var encoder: EventConsumer?
    /// Collects a stream that becomes a document.
    var fold: AnswerFold?
    /// Stop sequences that the upstream does not know of, and who looks for them in a stream.
    var stops: [String] = []
    var cutter: StopCutter?
    var tap = StreamTap()
    /// Watches what the client gets, where cut streams are continued.
    var delivery: StreamDelivery?
    /// The error of the stream stands in what the client gets.
    var errorIsShown = false
    /// Frames that were read without complaint since the answer has begun.
    var goodFrames = 0
    /// Estimated from a document that has become a stream; nil where nobody had to.
    var answerTokens: Int?
    /// Of a stream that is passed on, where the codec does not tell its content.
    var frameSizes = FrameSizes()
    /// The gateway asked for usage that the client did not ask for: the chunk that carries it is not passed on.
    var stripsUsage = false
    /// The upstream calls the model by another name than the client.
    var renamesModel = false
    /// The protocol's own end has been seen and the client has everything; only the end of the transport is missing.
    var endedAt: Int64?
    /// When the last bytes came, once the answer is whole as far as its format can tell; 0 = it is not.
    var settledAt: Int64 = 0
    /// Counted as in flight at the channel.
    var isOpen = false

    init() {}

    /// Index into the table's channels.
    var channel: Int32 { slot?.channel ?? -1 }
    var upstream: ChannelUpstream? { slot?.upstream }
    var format: WireFormat { binding?.format ?? .openAIChat }
}

/// Why an attempt failed, before anyone has judged whose fault it is.
enum AttemptFailureCause {
    /// The upstream answered with a status that is no success, or with a body that is not what it should be.
    case answer(sentence: String)
    /// No usable answer arrived.
    case transport(TransportFault, sentence: String)
    /// The stream carried an error event.
    case streamError(StreamErrorInfo)
    /// The stream ended before its protocol says so.
    case truncated
    case timeout(String)
    /// The site is this gateway itself.
    case loop(String)
}
