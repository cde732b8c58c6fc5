-- Wireshark's view of ARDUS datagrams (docs/spec/ardus.md §2). Copy to ~/.local/lib/wireshark/plugins/, or
--   tshark -X lua_script:ardus.lua -r capture.pcap -Y ardus
-- UDP on ports 1117, 1834 and 1835. What is sealed stays so: keys are told over TLS only. Control by TCP is b2: b2.lua shows it.

local ardus = Proto("ardus", "ARDUS multicast file transfer")

local TYPES = {[1] = "DATA", [2] = "PARITY", [3] = "REPAIR", [4] = "PLAN", [5] = "WINDOW_END", [6] = "PROBE", [7] = "REPORT", [8] = "ANNOUNCE", [9] = "DIGEST", [10] = "TRIAL"}
local PHASES = {[1] = "receiving", [2] = "holds every block", [3] = "verified", [4] = "failed"}
local STANDARD, JUMBO, SHORT_TRIAL, CONTROL_HEAD, SIGNATURE, TAG = 1448, 8872, 72, 48, 64, 16

local f = {
  version = ProtoField.uint8("ardus.version", "Version", base.DEC, nil, 0xf0),
  type = ProtoField.uint8("ardus.type", "Type", base.DEC, TYPES, 0x0f),
  flags = ProtoField.uint8("ardus.flags", "Flags", base.HEX),
  answer_now = ProtoField.bool("ardus.flags.answer_now", "Answer at once and in full", 8, nil, 0x01),
  digests = ProtoField.bool("ardus.flags.digests", "Digests are sent, since a member forges symbols", 8, nil, 0x02),
  asks_path = ProtoField.bool("ardus.flags.asks_path", "What each way carries is asked for", 8, nil, 0x04),
  listen_again = ProtoField.bool("ardus.flags.listen_again", "It is to listen to the group again", 8, nil, 0x08),
  suspects = ProtoField.bool("ardus.flags.suspects", "Met what a member forged", 8, nil, 0x01),
  ip4_too = ProtoField.bool("ardus.flags.ip4_too", "It is announced by IPv4 on this link, too", 8, nil, 0x01),
  beyond_too = ProtoField.bool("ardus.flags.beyond_too", "It is announced from an address that reaches beyond the link, too", 8, nil, 0x02),
  measured = ProtoField.bool("ardus.flags.measured", "Tells how its path is", 8, nil, 0x02),
  digest = ProtoField.bytes("ardus.digest", "Digest"),
  epoch = ProtoField.uint8("ardus.epoch", "Epoch", base.DEC),
  scheme = ProtoField.uint8("ardus.scheme", "Scheme of the parity", base.DEC),
  phase = ProtoField.uint8("ardus.phase", "Phase", base.DEC, PHASES),
  session = ProtoField.uint32("ardus.session", "Session", base.HEX),
  number = ProtoField.uint64("ardus.number", "Packet number of the path", base.DEC),
  block = ProtoField.uint32("ardus.block", "Block", base.DEC),
  symbol = ProtoField.uint16("ardus.symbol", "Symbol", base.DEC),
  rate = ProtoField.uint16("ardus.rate", "Rate, Mbit/s", base.DEC),
  sealed = ProtoField.bytes("ardus.sealed", "Sealed"),
  tag = ProtoField.bytes("ardus.tag", "Tag"),
  round = ProtoField.uint16("ardus.round", "Round", base.DEC),
  sequence = ProtoField.uint64("ardus.sequence", "Sequence", base.DEC),
  sent = ProtoField.uint64("ardus.sent", "Packet numbers used on this path", base.DEC),
  ended = ProtoField.uint32("ardus.ended", "Blocks sent once", base.DEC),
  backoff = ProtoField.uint32("ardus.backoff", "Back-off, µs", base.DEC),
  group = ProtoField.uint32("ardus.group", "Receivers in the session", base.DEC),
  sample = ProtoField.uint32("ardus.sample", "One in so many answers", base.DEC),
  window = ProtoField.uint32("ardus.window", "Window", base.DEC),
  due = ProtoField.uint16("ardus.due", "Due within, ms", base.DEC),
  time = ProtoField.uint32("ardus.path.time", "The sender's clock, µs", base.DEC),
  path_rate = ProtoField.uint32("ardus.path.rate", "Rate, kbit/s", base.DEC),
  limiting = ProtoField.uint32("ardus.path.limiting", "Receiver the rate goes by", base.DEC),
  told = ProtoField.uint32("ardus.path.told", "Receiver that is told its round trip", base.DEC),
  round_trip = ProtoField.uint32("ardus.path.round_trip", "Round trip, µs", base.DEC),
  longest = ProtoField.uint32("ardus.path.longest", "Longest round trip, µs", base.DEC),
  census = ProtoField.uint16("ardus.census", "Census", base.DEC),
  spread = ProtoField.uint32("ardus.spread", "Answers spread over, µs", base.DEC),
  runs = ProtoField.uint16("ardus.runs", "Runs", base.DEC),
  run = ProtoField.string("ardus.run", "Run"),
  receiver = ProtoField.uint32("ardus.receiver", "Receiver", base.DEC),
  report = ProtoField.uint64("ardus.report", "Number of the report", base.DEC),
  time = ProtoField.uint64("ardus.time", "Time, ms since 1970", base.DEC),
  sender = ProtoField.bytes("ardus.sender", "Sender's key"),
  content = ProtoField.bytes("ardus.content", "Content id"),
  bytes = ProtoField.uint64("ardus.bytes", "Bytes of all files", base.DEC),
  most = ProtoField.uint32("ardus.most", "Rate at most, kbit/s", base.DEC),
  control = ProtoField.string("ardus.control", "Control"),
  data_group = ProtoField.string("ardus.data_group", "Data group"),
  name = ProtoField.string("ardus.name", "Name"),
  signature = ProtoField.bytes("ardus.signature", "Signature"),
  broken = ProtoField.string("ardus.broken", "Void"),
}
local fields = {}
for _, field in pairs(f) do fields[#fields + 1] = field end
ardus.fields = fields

local function void(tree, range, why)
  tree:add(f.broken, range, why)
  return "void: " .. why
end

local function symbol(tvb, tree)
  if tvb:len() ~= STANDARD and tvb:len() ~= JUMBO then return void(tree, tvb(), "neither 1,448 nor 8,872 bytes long") end
  tree:add(f.flags, tvb(1, 1))
  tree:add(f.epoch, tvb(2, 1))
  tree:add(f.scheme, tvb(3, 1))
  tree:add_le(f.number, tvb(8, 8))
  tree:add_le(f.block, tvb(16, 4))
  tree:add_le(f.symbol, tvb(20, 2))
  tree:add_le(f.rate, tvb(22, 2))
  tree:add(f.sealed, tvb(24, tvb:len() - 24 - TAG))
  tree:add(f.tag, tvb(tvb:len() - TAG, TAG))
  return string.format("number %s block %u symbol %u", tostring(tvb(8, 8):le_uint64()), tvb(16, 4):le_uint(), tvb(20, 2):le_uint())
end

local function control(tvb, tree, type)
  if tvb:len() < CONTROL_HEAD + SIGNATURE then return void(tree, tvb(), "cut off") end
  local probe = type == 6
  local count = tvb(probe and 42 or 46, 2):le_uint()
  local question = probe and tvb(1, 1):bitfield(5) == 1
  if count > 128 or tvb:len() ~= CONTROL_HEAD + 8 * count + (question and 24 or 0) + SIGNATURE then return void(tree, tvb(), "its runs do not fit its length") end
  local flags = tree:add(f.flags, tvb(1, 1))
  flags:add(f.answer_now, tvb(1, 1))
  flags:add(f.digests, tvb(1, 1))
  if probe then flags:add(f.asks_path, tvb(1, 1)) end
  if probe then flags:add(f.listen_again, tvb(1, 1)) end
  tree:add(f.epoch, tvb(2, 1))
  tree:add_le(f.sequence, tvb(8, 8))
  tree:add_le(f.sent, tvb(16, 8))
  tree:add_le(f.ended, tvb(24, 4))
  tree:add_le(f.backoff, tvb(28, 4))
  tree:add_le(f.group, tvb(32, 4))
  tree:add_le(f.sample, tvb(36, 4))
  if probe then
    tree:add_le(f.census, tvb(40, 2))
    tree:add_le(f.runs, tvb(42, 2))
    tree:add_le(f.spread, tvb(44, 4))
  else
    tree:add_le(f.window, tvb(40, 4))
    tree:add_le(f.due, tvb(44, 2))
    tree:add_le(f.runs, tvb(46, 2))
  end
  for i = 0, count - 1 do
    local run = tvb(CONTROL_HEAD + 8 * i, 8)
    local first = run(0, 4):le_uint()
    tree:add(f.run, run, probe and string.format("receivers %u + %u", first, run(4, 4):le_uint())
      or string.format("blocks %u + %u: %u symbols", first, run(4, 2):le_uint(), run(6, 2):le_uint()))
  end
  if question then
    local at = CONTROL_HEAD + 8 * count
    for i, name in ipairs({"time", "path_rate", "limiting", "told", "round_trip", "longest"}) do tree:add_le(f[name], tvb(at + 4 * (i - 1), 4)) end
  end
  tree:add(f.signature, tvb(tvb:len() - SIGNATURE, SIGNATURE))
  return string.format("sequence %s, %u runs", tostring(tvb(8, 8):le_uint64()), count)
end

local function report(tvb, tree)
  if tvb:len() < 20 + 30 + TAG or tvb:len() > 20 + 1200 + TAG then return void(tree, tvb(), "too short, or too long") end
  tree:add(f.epoch, tvb(1, 1))
  local flags = tree:add(f.flags, tvb(2, 1))
  flags:add(f.suspects, tvb(2, 1))
  flags:add(f.measured, tvb(2, 1))
  tree:add(f.phase, tvb(3, 1))
  tree:add_le(f.report, tvb(8, 8))
  tree:add_le(f.receiver, tvb(16, 4))
  tree:add(f.sealed, tvb(20, tvb:len() - 20 - TAG))
  tree:add(f.tag, tvb(tvb:len() - TAG, TAG))
  return string.format("receiver %u %s", tvb(16, 4):le_uint(), PHASES[tvb(3, 1):uint()] or "in no phase there is")
end

local function digests(tvb, tree)
  local count = tvb(3, 1):uint()
  if count < 1 or count > 64 or tvb:len() ~= 16 + 16 * count + SIGNATURE then return void(tree, tvb(), "its length does not fit its digests") end
  tree:add_le(f.block, tvb(8, 4))
  tree:add_le(f.symbol, tvb(12, 2))
  for i = 0, count - 1 do tree:add(f.digest, tvb(16 + 16 * i, 16)) end
  tree:add(f.signature, tvb(16 + 16 * count, SIGNATURE))
  return string.format("block %u symbols %u + %u", tvb(8, 4):le_uint(), tvb(12, 2):le_uint(), count)
end

local function trial(tvb, tree)
  if tvb:len() ~= SHORT_TRIAL and tvb:len() ~= JUMBO then return void(tree, tvb(), "neither 72 nor 8,872 bytes long") end
  tree:add(f.flags, tvb(1, 1))
  tree:add_le(f.round, tvb(2, 2))
  tree:add(f.signature, tvb(tvb:len() - SIGNATURE, SIGNATURE))
  return string.format("round %u, %u bytes", tvb(2, 2):le_uint(), tvb:len())
end

local function address(range, family)
  return tostring(family == 4 and range(0, 4):ipv4() or range:ipv6())
end

local function announcement(tvb, tree)
  if tvb:len() < 136 + SIGNATURE then return void(tree, tvb(), "cut off") end
  local family, length = tvb(102, 1):uint(), tvb(103, 1):uint()
  if (family ~= 4 and family ~= 6) or length > 64 or tvb:len() ~= 136 + length + SIGNATURE then return void(tree, tvb(), "its name or addresses do not fit") end
  if tvb(1, 1):bitfield(0, 6) ~= 0 or (family == 4 and tvb(1, 1):uint() ~= 0) or tvb(2, 2):uint() ~= 0 then return void(tree, tvb(1, 3), "flags that it can't have") end
  local at = address(tvb(104, 16), family)
  at = (family == 6 and "[" .. at .. "]" or at) .. ":" .. tvb(100, 2):le_uint()
  tree:add(f.ip4_too, tvb(1, 1))
  tree:add(f.beyond_too, tvb(1, 1))
  tree:add_le(f.sequence, tvb(8, 8))
  tree:add_le(f.time, tvb(16, 8))
  tree:add(f.sender, tvb(24, 32))
  tree:add(f.content, tvb(56, 32))
  tree:add_le(f.bytes, tvb(88, 8))
  tree:add_le(f.most, tvb(96, 4))
  tree:add(f.control, tvb(100, 20), at)
  tree:add(f.data_group, tvb(120, 16), address(tvb(120, 16), family))
  if length > 0 then tree:add(f.name, tvb(136, length)) end
  tree:add(f.signature, tvb(136 + length, SIGNATURE))
  return "join at " .. at
end

local SHOW = {symbol, symbol, symbol, control, control, control, report, announcement, digests, trial}

function ardus.dissector(tvb, packet, root)
  if tvb:len() < 8 or tvb(0, 1):bitfield(0, 4) ~= 1 then return 0 end
  local type = tvb(0, 1):bitfield(4, 4)
  if not TYPES[type] then return 0 end
  packet.cols.protocol = "ARDUS"
  local tree = root:add(ardus, tvb())
  tree:add(f.version, tvb(0, 1))
  tree:add(f.type, tvb(0, 1))
  tree:add_le(f.session, tvb(4, 4))
  local said = SHOW[type](tvb, tree, type)
  packet.cols.info = string.format("%s session %08x %s", TYPES[type], tvb(4, 4):le_uint(), said)
  return tvb:len()
end

for _, port in ipairs({1117, 1834, 1835}) do DissectorTable.get("udp.port"):add(port, ardus) end
