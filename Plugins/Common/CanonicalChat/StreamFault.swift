package import PatchbayPlugin

/// The errors of streams that did not end as their protocol says.
package enum StreamFault {
    package static func error(_ ending: StreamEnd) -> CanonicalError {
        switch ending {
        case .endOfStream, .cut:
            CanonicalError(.truncated, message: "the upstream's stream ended before the answer was complete")
        case .timeout:
            CanonicalError(.timeout, message: "the upstream's stream fell silent before the answer was complete")
        case .cancelled:
            CanonicalError(.cancelled, message: "the client left before the answer was complete")
        }
    }
}
