-- Wireshark's view of the b2 Runtime Protocol (docs/spec/b2.md). Copy to ~/.local/lib/wireshark/plugins/, or
--   tshark -X lua_script:b2.lua -r capture.pcap -Y b2
-- TCP on port 2203 and wherever a connection begins with the preface; inside TLS with ALPN b2/1; WebSocket with subprotocol b2.1;
-- datagrams and beacons on any port.

local b2 = Proto("b2", "b2 Runtime Protocol")

local TYPES = {[1] = "HELLO", [2] = "HELLO_UPDATE", [3] = "CALL", [4] = "DATA", [5] = "RESP", [6] = "CREDIT", [7] = "CANCEL", [8] = "PING", [9] = "PONG",
  [10] = "GOAWAY", [11] = "UPGRADE"}
local STATUS = {[0] = "ok", "cancelled", "unknown", "malformed", "timed_out", "not_found", "exists", "refused", "exhausted", "conflict", "aborted", "out_of_range",
  "unsupported", "io", "busy", "data_loss", "unauthenticated"}
local KINDS = {[0] = "unary", "server stream", "client stream", "bidirectional"}
local HEALTH = {[0] = "unknown", "starting", "serving", "not serving"}
local EXTENSIONS = {[1] = "TIMEOUT", [2] = "TRACEPARENT", [3] = "IDEMPOTENCY", [4] = "PRIORITY", [5] = "ENCODING", [6] = "EPOCH"}
local EXTENSION_SIZES = {4, 25, 16, 1, 1, 8}
local LIMITS = {"frame_bytes", "metadata_bytes", "streams", "message_bytes", "connection_window", "stream_window"}

local f = {
  preface = ProtoField.string("b2.preface", "Preface"),
  line = ProtoField.string("b2.line", "Refused with"),
  length = ProtoField.uint32("b2.length", "Payload length", base.DEC),
  type = ProtoField.uint8("b2.type", "Type", base.HEX, TYPES),
  stream = ProtoField.uint32("b2.stream", "Stream", base.DEC),
  flags = ProtoField.uint8("b2.flags", "Flags", base.HEX),
  flag_end = ProtoField.bool("b2.flags.end", "END", 8, nil, 0x01),
  flag_more = ProtoField.bool("b2.flags.more", "MORE", 8, nil, 0x02),
  flag_compressed = ProtoField.bool("b2.flags.compressed", "COMPRESSED", 8, nil, 0x04),
  flag_meta = ProtoField.bool("b2.flags.meta", "META", 8, nil, 0x08),
  extension_units = ProtoField.uint8("b2.ext.length", "Extensions, units of 4 bytes", base.DEC),
  code = ProtoField.uint16("b2.code", "Code", base.DEC),
  credit = ProtoField.uint32("b2.credit", "Connection credit", base.DEC),
  method_index = ProtoField.uint16("b2.method.index", "Method index", base.DEC),
  method = ProtoField.string("b2.method", "Method"),
  status = ProtoField.uint16("b2.status", "Status", base.DEC, STATUS),
  extension = ProtoField.none("b2.ext", "Extension"),
  extension_type = ProtoField.uint8("b2.ext.type", "Type", base.DEC, EXTENSIONS),
  timeout = ProtoField.uint32("b2.ext.timeout", "Timeout, ms", base.DEC),
  traceparent = ProtoField.bytes("b2.ext.traceparent", "Trace parent"),
  idempotency = ProtoField.bytes("b2.ext.idempotency", "Idempotency key"),
  priority = ProtoField.uint8("b2.ext.priority", "Priority", base.DEC),
  encoding = ProtoField.uint8("b2.ext.encoding", "Encoding", base.DEC),
  epoch = ProtoField.uint64("b2.ext.epoch", "Boot epoch of the callee", base.HEX),
  metadata = ProtoField.string("b2.metadata", "Metadata"),
  payload = ProtoField.bytes("b2.payload", "Payload"),
  reason = ProtoField.string("b2.reason", "Reason"),
  stream_credit = ProtoField.uint32("b2.stream_credit", "Stream credit", base.DEC),
  last_stream = ProtoField.uint32("b2.goaway.last", "Last stream", base.DEC),
  ping = ProtoField.bytes("b2.ping", "Number"),
  hello_version = ProtoField.uint32("b2.hello.version", "Version", base.DEC),
  hello_node = ProtoField.bytes("b2.hello.node", "Node id"),
  hello_name = ProtoField.string("b2.hello.name", "Name"),
  hello_epoch = ProtoField.uint64("b2.hello.epoch", "Boot epoch", base.HEX),
  hello_feature = ProtoField.string("b2.hello.feature", "Feature"),
  hello_limit = ProtoField.string("b2.hello.limit", "Limit"),
  hello_keep_alive = ProtoField.uint32("b2.hello.keep_alive", "Shortest PING interval, ms", base.DEC),
  hello_service = ProtoField.string("b2.hello.service", "Service"),
  hello_method = ProtoField.string("b2.hello.method", "Method"),
  hello_house = ProtoField.string("b2.hello.house", "House"),
  udp_kind = ProtoField.uint8("b2.udp.kind", "Kind", base.DEC, {[1] = "call", [2] = "answer", [3] = "cookie"}),
  udp_form = ProtoField.uint8("b2.udp.form", "Form", base.DEC, {[0] = "plain", [1] = "pure", [2] = "sealed"}),
  udp_id = ProtoField.uint64("b2.udp.id", "Id", base.HEX),
  udp_number = ProtoField.uint64("b2.udp.number", "Number", base.HEX),
  udp_cookie = ProtoField.bytes("b2.udp.cookie", "Cookie"),
  udp_epoch = ProtoField.uint64("b2.udp.epoch", "Boot epoch", base.HEX),
  udp_mark = ProtoField.uint64("b2.udp.mark", "Mark", base.DEC),
  udp_record = ProtoField.none("b2.udp.record", "Record"),
  udp_sequence = ProtoField.uint64("b2.udp.sequence", "Sequence number", base.DEC),
  udp_method = ProtoField.uint32("b2.udp.method", "Method, first of its SHA-256", base.HEX),
  udp_timeout = ProtoField.uint32("b2.udp.timeout", "Timeout, ms", base.DEC),
  udp_length = ProtoField.uint16("b2.udp.length", "Length", base.DEC),
  udp_state = ProtoField.uint8("b2.udp.state", "State", base.DEC, {[0] = "DONE", [1] = "UNDER_WAY", [2] = "USE_STREAM"}),
  udp_nonce = ProtoField.bytes("b2.udp.nonce", "Nonce"),
  udp_sealed = ProtoField.bytes("b2.udp.sealed", "Sealed"),
  beacon_kind = ProtoField.uint8("b2.beacon.kind", "Kind", base.DEC, {[1] = "beacon", [2] = "query", [3] = "bye"}),
  beacon_flags = ProtoField.uint8("b2.beacon.flags", "Flags", base.HEX),
  beacon_alone = ProtoField.bool("b2.beacon.flags.alone", "ALONE", 8, nil, 0x01),
  beacon_copied = ProtoField.bool("b2.beacon.flags.copied", "COPIED", 8, nil, 0x02),
  beacon_port = ProtoField.uint16("b2.beacon.port", "TCP port", base.DEC),
  beacon_node = ProtoField.bytes("b2.beacon.node", "Node id"),
  beacon_epoch = ProtoField.uint64("b2.beacon.epoch", "Boot epoch", base.HEX),
  beacon_services = ProtoField.uint64("b2.beacon.services", "Hash of the service list", base.HEX),
  beacon_house = ProtoField.bytes("b2.beacon.house", "House, first 8 bytes of its id"),
  beacon_time = ProtoField.absolute_time("b2.beacon.time", "The sender's clock", base.UTC),
  beacon_hold = ProtoField.uint32("b2.beacon.hold", "Holds for, ms", base.DEC),
  beacon_nonce = ProtoField.uint32("b2.beacon.nonce", "Nonce", base.HEX),
  call_in = ProtoField.framenum("b2.call_in", "Call in", base.NONE, frametype.REQUEST),
  answer_in = ProtoField.framenum("b2.answer_in", "Answer in", base.NONE, frametype.RESPONSE),
  time = ProtoField.relative_time("b2.time", "Time since the call"),
}
b2.fields = f

local broken = ProtoExpert.new("b2.broken", "A rule of the protocol is broken", expert.group.PROTOCOL, expert.severity.WARN)
local failed = ProtoExpert.new("b2.failed", "The call failed", expert.group.RESPONSE_CODE, expert.severity.NOTE)
local closing = ProtoExpert.new("b2.closing", "The connection is being ended", expert.group.SEQUENCE, expert.severity.CHAT)
b2.experts = {broken, failed, closing}

local tcp_stream = Field.new("tcp.stream")

-- ---- what is known of a connection ----

local connections = {}

function b2.init()
  connections = {}
end

local function connection_of(pinfo)
  local number = tcp_stream()
  local key = number and number.value or tostring(pinfo.src) .. tostring(pinfo.dst)
  connections[key] = connections[key] or {methods = {}, calls = {}}
  return connections[key]
end

local function side(address, port)
  return tostring(address) .. ":" .. port
end

-- ---- protobuf ----

-- A number of up to 64 bits, whose low half is given; nil at the end of the range.
local function varint(range, at)
  local value, shift = 0, 0
  while at < range:len() and shift < 70 do
    local byte = range(at, 1):uint()
    if shift < 35 then value = value + bit.band(byte, 0x7f) * 2 ^ shift end
    at, shift = at + 1, shift + 7
    if byte < 0x80 then return value, at end
  end
end

-- Calls `seen(number, value, range)` for each field; false when the range is no protobuf message.
local function each_field(range, seen)
  local at = 0
  while at < range:len() do
    local begin, tag, value, size = at, nil, nil, 0
    tag, at = varint(range, at)
    if not tag then return false end
    local wire = tag % 8
    if wire == 0 or wire == 2 then
      value, at = varint(range, at)
      if not value then return false end
    end
    size = wire == 1 and 8 or wire == 5 and 4 or wire == 2 and value or 0
    if wire == 3 or wire == 4 or wire > 5 or tag < 8 or at + size > range:len() then return false end
    seen(math.floor(tag / 8), value, size > 0 and range(at, size) or range(begin, at - begin), wire ~= 2 or size > 0)
    at = at + size
  end
  return true
end

local function text_of(range, there)
  return there and range:string(ENC_UTF_8) or ""
end

local function dissect_service(range, tree, methods)
  local name, first, count, health, told = "", 0, 0, 0, {}
  local whole = each_field(range, function(number, value, inside, there)
    if number == 1 then name = text_of(inside, there)
    elseif number == 4 then first = value or 0
    elseif number == 5 then count = value or 0
    elseif number == 6 then health = value or 0
    elseif number == 7 then
      local method = {name = "", kind = 0, needs = "", range = inside}
      if there then
        each_field(inside, function(field, number_there, part, part_there)
          if field == 1 then method.name = text_of(part, part_there)
          elseif field == 2 then method.kind = number_there or 0
          elseif field == 3 then method.needs = text_of(part, part_there) end
        end)
      end
      told[#told + 1] = method
    end
  end)
  local item = tree:add(f.hello_service, range, name, name .. (count == 0 and " has left" or ", " .. (HEALTH[health] or "?")))
  for i, method in ipairs(told) do
    local index = first + i - 1
    methods[index] = name .. "/" .. method.name
    item:add(f.hello_method, method.range, methods[index],
      index .. ": " .. method.name .. ", " .. (KINDS[method.kind] or "?") .. ", needs " .. (method.needs == "" and "member" or method.needs))
  end
  return whole
end

local function dissect_hello(range, tree, methods)
  local name = ""
  local whole = each_field(range, function(number, value, inside, there)
    if number == 1 then tree:add(f.hello_version, inside, value or 0)
    elseif number == 2 and there then tree:add(f.hello_node, inside)
    elseif number == 3 then
      name = text_of(inside, there)
      tree:add(f.hello_name, inside, name)
    elseif number == 4 then tree:add_le(f.hello_epoch, inside)
    elseif number == 5 then tree:add(f.hello_feature, inside, text_of(inside, there))
    elseif number == 6 and there then
      each_field(inside, function(limit, told, part) tree:add(f.hello_limit, part, (LIMITS[limit] or "limit " .. limit) .. " " .. math.floor(told or 0)) end)
    elseif number == 7 then tree:add(f.hello_keep_alive, inside, value or 0)
    elseif number == 8 and there then dissect_service(inside, tree, methods)
    elseif number == 9 then tree:add(f.hello_house, inside, text_of(inside, there)) end
  end)
  if not whole then tree:add_proto_expert_info(broken, "HELLO is no protobuf message") end
  return name
end

-- ---- extensions and metadata ----

local EXTENSION_FIELDS = {f.timeout, f.traceparent, f.idempotency, f.priority, f.encoding, f.epoch}

local function dissect_extensions(range, tree)
  local at = 0
  while at < range:len() do
    local kind = range(at, 1):uint()
    if kind == 0 then
      at = at + 1
    else
      local size = at + 1 < range:len() and range(at + 1, 1):uint() or 255
      if at + 2 + size > range:len() then
        return tree:add_proto_expert_info(broken, "an extension reaches past the end")
      end
      local item = tree:add(f.extension, range(at, 2 + size))
      item:set_text("Extension: " .. (EXTENSIONS[kind] or "type " .. kind))
      item:add(f.extension_type, range(at, 1))
      if EXTENSION_FIELDS[kind] and size == EXTENSION_SIZES[kind] then
        item:add_le(EXTENSION_FIELDS[kind], range(at + 2, size))
      elseif EXTENSION_FIELDS[kind] then
        item:add_proto_expert_info(broken, EXTENSIONS[kind] .. " of " .. size .. " bytes")
      end
      at = at + 2 + size
    end
  end
end

-- Gives what is left of the payload: the message.
local function dissect_metadata(range, tree)
  local size = range:len() >= 2 and range(0, 2):le_uint() or 65536
  if 2 + size > range:len() then
    tree:add_proto_expert_info(broken, "metadata reaches past the end of its frame")
    return nil
  end
  local at = 2
  while at < 2 + size do
    local key = range(at, 1):uint()
    if at + 3 + key > 2 + size then tree:add_proto_expert_info(broken, "malformed metadata") break end
    local value = range(at + 1 + key, 2):le_uint()
    if at + 3 + key + value > 2 + size then tree:add_proto_expert_info(broken, "malformed metadata") break end
    local told = (key > 0 and range(at + 1, key):string() or "") .. ": " .. (value > 0 and range(at + 3 + key, value):string(ENC_UTF_8) or "")
    tree:add(f.metadata, range(at, 3 + key + value), told)
    at = at + 3 + key + value
  end
  return 2 + size < range:len() and range(2 + size) or nil
end

-- ---- calls ----

-- Notes a CALL; gives its record, also on later passes.
local function call_made(connection, pinfo, stream, method)
  local call = connection.calls[stream]
  if not call and not pinfo.visited then
    call = {frame = pinfo.number, time = pinfo.abs_ts, method = method}
    connection.calls[stream] = call
  end
  return call
end

local function show_call(tree, range, call, pinfo, is_answer)
  if not call then return end
  local item = tree:add(f.method, range, call.method)
  item:set_generated()
  if is_answer then
    if not pinfo.visited then call.answer = pinfo.number end
    tree:add(f.call_in, call.frame):set_generated()
    tree:add(f.time, NSTime.new(math.floor(pinfo.abs_ts - call.time), math.floor((pinfo.abs_ts - call.time) % 1 * 1e9))):set_generated()
  elseif call.answer then
    tree:add(f.answer_in, call.answer):set_generated()
  end
end

-- ---- frames ----

local LENGTHS = {[7] = 0, [8] = 8, [9] = 8}

local function judge(tree, kind, stream, flags, units, length)
  local function warn(why) tree:add_proto_expert_info(broken, why) end
  if bit.band(flags, 0xf0) ~= 0 then warn("the upper four flags must be 0") end
  if units > 16 then warn(units .. " units of extensions; 16 are the most") end
  if not TYPES[kind] and kind >= 0x80 then warn("an unknown type that must be understood") end
  local on_connection = kind == 1 or kind == 2 or kind == 8 or kind == 9 or kind == 10
  if TYPES[kind] and kind ~= 6 and kind ~= 11 and on_connection ~= (stream == 0) then warn(TYPES[kind] .. " on stream " .. stream) end
  local wanted = kind == 6 and (stream == 0 and 0 or 4) or LENGTHS[kind]
  if wanted and wanted ~= length or kind == 10 and length < 4 then warn(TYPES[kind] .. " of " .. length .. " bytes") end
  return wanted and wanted ~= length or kind == 10 and length < 4
end

local function flag_names(flags)
  local names = {}
  for i, name in ipairs({"END", "MORE", "COMPRESSED", "META"}) do
    if bit.band(flags, 2 ^ (i - 1)) ~= 0 then names[#names + 1] = name end
  end
  return table.concat(names, ", ")
end

-- Gives what the list of packets tells of it. `at` is where the stream's number stands, for what is known from other frames.
local function dissect_payload(connection, pinfo, tree, kind, stream, flags, code, payload, at)
  local sender, receiver = side(pinfo.src, pinfo.src_port), side(pinfo.dst, pinfo.dst_port)
  local told = ""
  if kind == 1 or kind == 2 then
    connection.methods[sender] = connection.methods[sender] or {}
    told = payload and dissect_hello(payload, tree, connection.methods[sender]) or ""
  elseif kind == 3 then
    local method = (connection.methods[receiver] or {})[code] or "method " .. code
    local call = call_made(connection, pinfo, stream, method)
    show_call(tree, at, call, pinfo, false)
    told = call and call.method or method
  elseif kind == 4 or kind == 5 then
    local call = connection.calls[stream]
    show_call(tree, at, call, pinfo, kind == 5)
    told = call and call.method or ""
    if kind == 5 and code ~= 0 then
      local reason = payload and payload:string(ENC_UTF_8) or ""
      told = told .. " " .. (STATUS[code] or "status " .. code) .. (reason ~= "" and ": " .. reason or "")
      if payload then tree:add(f.reason, payload, reason) end
      tree:add_proto_expert_info(failed, STATUS[code] or "status " .. code)
      return told
    end
  elseif kind == 6 and payload and stream ~= 0 then
    tree:add_le(f.stream_credit, payload)
    return payload:le_uint() .. " bytes"
  elseif kind == 8 or kind == 9 then
    tree:add(f.ping, payload)
    return ""
  elseif kind == 10 then
    tree:add_le(f.last_stream, payload(0, 4))
    local reason = payload:len() > 4 and payload(4):string(ENC_UTF_8) or ""
    if reason ~= "" then tree:add(f.reason, payload(4), reason) end
    tree:add_proto_expert_info(closing)
    return (STATUS[code] or "status " .. code) .. (reason ~= "" and ": " .. reason or "")
  end
  if payload and bit.band(flags, 8) ~= 0 and (kind == 3 or kind == 5) then payload = dissect_metadata(payload, tree) end
  if payload and kind ~= 1 and kind ~= 2 then tree:add(f.payload, payload) end
  return told
end

local function dissect_frame(tvb, pinfo, root)
  local length, kind = tvb(0, 3):le_uint(), tvb(3, 1):uint()
  local stream, flags, units, code, credit = tvb(4, 4):le_uint(), tvb(8, 1):uint(), tvb(9, 1):uint(), tvb(10, 2):le_uint(), tvb(12, 4):le_uint()
  local name = TYPES[kind] or string.format("type 0x%02x", kind)
  local tree = root:add(b2, tvb(), "b2 Runtime Protocol, " .. name .. (stream ~= 0 and ", stream " .. stream or ""))
  tree:add_le(f.length, tvb(0, 3))
  tree:add(f.type, tvb(3, 1))
  tree:add_le(f.stream, tvb(4, 4))
  local bits = tree:add(f.flags, tvb(8, 1))
  for _, flag in ipairs({f.flag_end, f.flag_more, f.flag_compressed, f.flag_meta}) do bits:add(flag, tvb(8, 1)) end
  tree:add(f.extension_units, tvb(9, 1))
  if kind == 3 then tree:add_le(f.method_index, tvb(10, 2))
  elseif kind == 5 or kind == 7 or kind == 10 then tree:add_le(f.status, tvb(10, 2))
  else tree:add_le(f.code, tvb(10, 2)) end
  tree:add_le(f.credit, tvb(12, 4))
  local malformed = judge(tree, kind, stream, flags, units, length)
  if units > 0 then dissect_extensions(tvb(16, 4 * units), tree) end
  local payload = length > 0 and tvb(16 + 4 * units, length) or nil
  local told = ""
  if not malformed then
    told = dissect_payload(connection_of(pinfo), pinfo, tree, kind, stream, flags, code, payload, tvb(4, 4))
  elseif payload then
    tree:add(f.payload, payload)
  end
  local names = flag_names(flags)
  local line = name .. (stream ~= 0 and " " .. stream or "") .. (told ~= "" and " " .. told or "") .. (names ~= "" and " [" .. names .. "]" or "")
  tree:append_text(told ~= "" and ": " .. told or "")
  pinfo.cols.info:append((tostring(pinfo.cols.info) == "" and "" or " | ") .. line)
  return tvb:len()
end

-- ---- byte streams ----

local PREFACE, LINE = "62320d0a", "62323a20"

local LARGEST = 1048576 + 64 + 16  -- a frame; what claims to be longer is none

local function dissect_preface(tvb, root, pinfo)
  local tree = root:add(b2, tvb, "b2 Runtime Protocol, preface")
  tree:add(f.preface, tvb, "b2")
  pinfo.cols.info:append("preface")
end

local function dissect_line(tvb, root, pinfo)
  local tree = root:add(b2, tvb, "b2 Runtime Protocol, a refusal")
  tree:add(f.line, tvb, tvb:string(ENC_UTF_8))
  tree:add_proto_expert_info(closing)
  pinfo.cols.info:append(tvb:string(ENC_UTF_8))
end

-- What is left begins a frame that goes on in another segment; without a way to wait for it, it is shown as it is.
local function wait_for(tvb, at, more, pinfo, root)
  if pinfo.can_desegment > 0 then
    pinfo.desegment_offset, pinfo.desegment_len = at, more
  else
    root:add(b2, tvb(at), "b2 Runtime Protocol, " .. tvb:len() - at .. " bytes of a frame")
  end
  return tvb:len()
end

function b2.dissector(tvb, pinfo, root)
  pinfo.cols.protocol = "b2"
  pinfo.cols.info:clear()
  local at = 0
  while at < tvb:len() do
    local left = tvb:len() - at
    local first = left >= 4 and tvb(at, 4):bytes():tohex(true) or ""
    if first == PREFACE then
      dissect_preface(tvb(at, 4), root, pinfo)
      at = at + 4
    elseif first == LINE then
      dissect_line(tvb(at), root, pinfo)
      return tvb:len()
    elseif left < 16 then
      return wait_for(tvb, at, DESEGMENT_ONE_MORE_SEGMENT, pinfo, root)
    else
      local size = 16 + 4 * tvb(at + 9, 1):uint() + tvb(at, 3):le_uint()
      if size > LARGEST then
        local tree = root:add(b2, tvb(at), "b2 Runtime Protocol, no frame")
        tree:add_proto_expert_info(broken, "a frame of " .. size .. " bytes")
        return tvb:len()
      end
      if left < size then return wait_for(tvb, at, size - left, pinfo, root) end
      dissect_frame(tvb(at, size):tvb(), pinfo, root)
      at = at + size
    end
  end
  return tvb:len()
end

-- ---- datagrams (§13) ----

local STATES = {[0] = "", "under way", "use a stream"}

-- A record's head is 18 bytes in a call, 12 in an answer. Gives what the list of packets tells of it, and where the next begins.
local function dissect_record(tvb, tree, at, is_call)
  local head = is_call and 18 or 12
  if at + head > tvb:len() then return nil end
  local size = tvb(at + head - 2, 2):le_uint()
  if at + head + size > tvb:len() then return nil end
  local item = tree:add(f.udp_record, tvb(at, head + size))
  local number = tvb(at, 8):le_uint64()
  item:set_text("Record " .. tostring(number))
  item:add_le(f.udp_sequence, tvb(at, 8))
  local told
  if is_call then
    item:add_le(f.udp_method, tvb(at + 8, 4))
    item:add_le(f.udp_timeout, tvb(at + 12, 4))
    told = string.format("%s method %08x", tostring(number), tvb(at + 8, 4):le_uint())
  else
    local state, status = tvb(at + 8, 1):uint(), tvb(at + 9, 1):uint()
    item:add(f.udp_state, tvb(at + 8, 1))
    item:add(f.status, tvb(at + 9, 1))
    told = tostring(number) .. " " .. (state == 0 and (STATUS[status] or "status " .. status) or STATES[state] or "state " .. state)
    if state == 0 and status ~= 0 then item:add_proto_expert_info(failed, STATUS[status] or "status " .. status) end
  end
  item:add_le(f.udp_length, tvb(at + head - 2, 2))
  if size > 0 then item:add(f.payload, tvb(at + head, size)) end
  return told, at + head + size
end

local function dissect_records(tvb, tree, is_call)
  local at, told = 56, {}
  while at < tvb:len() do
    local line
    line, at = dissect_record(tvb, tree, at, is_call)
    if not line then
      tree:add_proto_expert_info(broken, "records do not end where the datagram does")
      break
    end
    told[#told + 1] = line
  end
  return table.concat(told, ", ")
end

local function dissect_pure(tvb, tree, kind)
  tree:add_le(f.status, tvb(6, 2))
  tree:add_le(f.udp_method, tvb(8, 4))
  tree:add(f.udp_nonce, tvb(12, 8))
  local status, method = tvb(6, 2):le_uint(), string.format("method %08x", tvb(8, 4):le_uint())
  if kind == 1 and tvb:len() >= 22 then
    local size = tvb(20, 2):le_uint()
    tree:add_le(f.udp_length, tvb(20, 2))
    if 22 + size > tvb:len() then tree:add_proto_expert_info(broken, "a request past the end")
    elseif size > 0 then tree:add(f.payload, tvb(22, size)) end
  elseif kind == 2 and tvb:len() > 20 then
    tree:add(status == 0 and f.payload or f.reason, tvb(20))
  end
  if kind == 2 and status ~= 0 then tree:add_proto_expert_info(failed, STATUS[status] or "status " .. status) end
  return method .. (kind == 2 and " " .. (STATUS[status] or "status " .. status) or "")
end

local KINDS_OF_DATAGRAMS, FORMS = {"call", "answer", "cookie"}, {[0] = "plain", "pure", "sealed"}

local function dissect_datagram(tvb, pinfo, root)
  pinfo.cols.protocol = "b2"
  local kind, form = tvb(4, 1):uint(), tvb(5, 1):uint()
  local name = (FORMS[form] or "form " .. form) .. " " .. (KINDS_OF_DATAGRAMS[kind] or "kind " .. kind)
  local tree = root:add(b2, tvb(), "b2 Runtime Protocol, datagram, " .. name)
  tree:add(f.udp_kind, tvb(4, 1))
  tree:add(f.udp_form, tvb(5, 1))
  local told = ""
  if form == 1 then
    if tvb:len() >= 20 then told = dissect_pure(tvb, tree, kind) end
  elseif tvb:len() >= 24 then
    tree:add_le(f.udp_id, tvb(8, 8))
    tree:add_le(f.udp_number, tvb(16, 8))
    if form == 2 then
      tree:add(f.udp_sealed, tvb(24))
    elseif tvb:len() >= 56 then
      tree:add(f.udp_cookie, tvb(24, 16))
      tree:add_le(f.udp_epoch, tvb(40, 8))
      tree:add_le(f.udp_mark, tvb(48, 8))
      told = dissect_records(tvb, tree, kind == 1)
    end
  end
  pinfo.cols.info:set(name .. (told ~= "" and ": " .. told or ""))
end

-- ---- beacons (§14) ----

local KINDS_OF_BEACONS = {"beacon", "query", "bye"}

local function dissect_beacon(tvb, pinfo, root)
  pinfo.cols.protocol = "b2"
  local name = KINDS_OF_BEACONS[tvb(4, 1):uint()] or "kind " .. tvb(4, 1):uint()
  local tree = root:add(b2, tvb(), "b2 Runtime Protocol, discovery, " .. name)
  tree:add(f.beacon_kind, tvb(4, 1))
  local flags = tree:add(f.beacon_flags, tvb(5, 1))
  flags:add(f.beacon_alone, tvb(5, 1))
  flags:add(f.beacon_copied, tvb(5, 1))
  if tvb:len() < 80 then
    tree:add_proto_expert_info(broken, "shorter than 80 bytes")
    return
  end
  tree:add_le(f.beacon_port, tvb(6, 2))
  tree:add(f.beacon_node, tvb(8, 32))
  tree:add_le(f.beacon_epoch, tvb(40, 8))
  tree:add_le(f.beacon_services, tvb(48, 8))
  tree:add(f.beacon_house, tvb(56, 8))
  local ms = tvb(64, 8):le_uint64():tonumber()
  if ms > 0 and ms < 2 ^ 42 then tree:add(f.beacon_time, tvb(64, 8), NSTime.new(math.floor(ms / 1000), ms % 1000 * 1000000)) end
  tree:add_le(f.beacon_hold, tvb(72, 4))
  tree:add_le(f.beacon_nonce, tvb(76, 4))
  if tvb:len() > 512 then tree:add_proto_expert_info(broken, "longer than 512 bytes") end
  pinfo.cols.info:set(name .. " of " .. tvb(8, 4):bytes():tohex(true) .. "…, port " .. tvb(6, 2):le_uint())
end

local udp = Proto("b2_udp", "b2 Runtime Protocol, datagrams")

local function dissect_any_datagram(tvb, pinfo, root)
  local magic = tvb:len() >= 6 and tvb(0, 4):string() or ""
  if magic == "b2u1" then
    dissect_datagram(tvb, pinfo, root)
    return true
  elseif magic == "b2d1" then
    dissect_beacon(tvb, pinfo, root)
    return true
  end
  return false
end

function udp.dissector(tvb, pinfo, root)
  return dissect_any_datagram(tvb, pinfo, root) and tvb:len() or 0
end

DissectorTable.get("udp.port"):add(2203, udp)
b2:register_heuristic("udp", dissect_any_datagram)
DissectorTable.get("tcp.port"):add(2203, b2)
pcall(function() DissectorTable.get("tls.alpn"):add("b2/1", b2) end)
pcall(function() DissectorTable.get("ws.protocol"):add("b2.1", b2) end)

-- Other ports: a connection that begins with the preface is b2 from there on.
b2:register_heuristic("tcp", function(tvb, pinfo, root)
  if tvb:len() < 4 or tvb(0, 4):bytes():tohex(true) ~= PREFACE then return false end
  pinfo.conversation = b2
  b2.dissector(tvb, pinfo, root)
  return true
end)
