-- A chat request of about 1.6 KB, with a key, as an SDK sends it.
local filler = string.rep("The quick brown fox jumps over the lazy dog. ", 30)
local stream = os.getenv("BENCH_STREAM") == "1" and "true" or "false"
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer sk-bench-client-key"
wrk.headers["accept"] = "application/json"
wrk.headers["user-agent"] = "bench/1.0"
wrk.body = '{"model":"bench-model","messages":[{"role":"system","content":"You are helpful."},{"role":"user","content":"'
    .. filler .. '"}],"temperature":0.7,"stream":' .. stream
    .. ',"stream_options":{"include_usage":true}}'

function done(summary, latency, requests)
    io.write(string.format("RESULT %d %d %d %f %f %f\n", summary.requests,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
        summary.errors.status, summary.duration / 1e6, latency:percentile(50), latency:percentile(99)))
end
