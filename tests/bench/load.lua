-- What wrk sends, and how it reports.
--
--   wrk ... -s load.lua URL                       one request over and over (wrk -H)
--   wrk ... -s load.lua URL -- FILE SKIP PATH     the next of FILE's tokens each time
--
-- FILE has a token a line; SKIP of them are passed over, so that a run goes on where
-- the last one ended.

local requests, number, last = {}, 0, 0

function init(args)
    if args[1] then
        local path = args[3] or "/"
        for token in io.lines(args[1]) do
            number = number + 1
            requests[number] = "GET " .. path .. " HTTP/1.1\r\nHost: localhost\r\n" ..
                               "Authorization: Bearer " .. token .. "\r\n\r\n"
        end
        last = tonumber(args[2]) % number
        request = function()
            last = last % number + 1
            return requests[last]
        end
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        "WRK requests=%d microseconds=%d bad_status=%d socket_errors=%d p50=%d p99=%d\n",
        summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
