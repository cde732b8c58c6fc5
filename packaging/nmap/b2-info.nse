local nmap = require "nmap"
local shortport = require "shortport"
local stdnse = require "stdnse"
local string = require "string"
local table = require "table"

description = [[
Says HELLO to a b2 node and shows what it answers: its name, its house, its boot epoch, its limits, and the services it serves with
their methods, which of them are open to strangers, and their health. No call is made.
]]

---
-- @usage nmap --script b2-info -p 2203 <host>
-- @usage nmap -sV --versiondb b2-service-probes --script ./b2-info.nse -p 4000 <host>
-- @output
-- 2203/tcp open  b2-runtime
-- | b2-info:
-- |   name: archive-3
-- |   version: 1
-- |   house: archive
-- |   services:
-- |     b2.v1.Core, serving: Describe* Health* Stats Limits*
-- |_  (*: open to strangers)

author = "Ghostlight"
license = "Same as Ghostlight's"
categories = {"default", "discovery", "safe", "version"}

portrule = shortport.version_port_or_service({1117, 1834, 2114, 2203, 3643}, {"b2-runtime", "b2"})

local PROBE = "b2\r\n" .. string.char(2, 0, 0, 1) .. string.rep("\0", 12) .. string.char(8, 1)
local HEALTH = {[0] = "unknown", "starting", "serving", "not serving"}
local LIMITS = {"frame_bytes", "metadata_bytes", "streams", "message_bytes", "connection_window", "stream_window"}

local function varint(text, at)
  local value, shift = 0, 0
  while at <= #text and shift < 64 do
    local byte = text:byte(at)
    value = value | (byte & 0x7f) << shift
    at, shift = at + 1, shift + 7
    if byte < 0x80 then return value, at end
  end
end

-- Calls seen(number, value) for each field of a protobuf message: numbers, or the bytes of what has a length.
local function each_field(text, seen)
  local at = 1
  while at <= #text do
    local tag, value, size
    tag, at = varint(text, at)
    if not tag then return end
    local wire = tag & 7
    if wire == 0 then
      value, at = varint(text, at)
      if not value then return end
      seen(tag >> 3, value)
    else
      size = wire == 1 and 8 or wire == 5 and 4 or nil
      if wire == 2 then size, at = varint(text, at) end
      if not size or at + size - 1 > #text then return end
      seen(tag >> 3, text:sub(at, at + size - 1))
      at = at + size
    end
  end
end

-- What a stranger names is shown without its control characters, and not longer than a line.
local function shown(text)
  return (text:gsub("[%c\127]", "?"):sub(1, 200))
end

local function service_line(text)
  local name, health, methods = "", 0, {}
  each_field(text, function(number, value)
    if number == 1 then name = value
    elseif number == 6 then health = value
    elseif number == 7 then
      local method, needs = "", ""
      each_field(value, function(field, told)
        if field == 1 then method = told elseif field == 3 then needs = told end
      end)
      methods[#methods + 1] = shown(method) .. (needs == "public" and "*" or "")
    end
  end)
  return ("%s, %s: %s"):format(shown(name), HEALTH[health] or "?", table.concat(methods, " "))
end

local function read_hello(payload)
  local out, limits, services = stdnse.output_table(), {}, {}
  local told = {}
  each_field(payload, function(number, value)
    if number == 1 then told.version = value
    elseif number == 2 then told.node = stdnse.tohex(value)
    elseif number == 3 then told.name = shown(value)
    elseif number == 4 then told.epoch = ("%016x"):format((string.unpack("<I8", value)))
    elseif number == 6 then
      each_field(value, function(limit, size) limits[#limits + 1] = (LIMITS[limit] or limit) .. " " .. size end)
    elseif number == 8 then services[#services + 1] = service_line(value)
    elseif number == 9 then told.house = shown(value) end
  end)
  for _, key in ipairs({"name", "version", "house", "node", "epoch"}) do out[key] = told[key] end
  if #limits > 0 then out.limits = table.concat(limits, ", ") end
  if #services > 0 then
    services[#services + 1] = "(*: open to strangers)"
    out.services = services
  end
  return out
end

-- The bytes until a whole first frame, or what came before the connection ended.
local function first_frame(socket)
  local data = ""
  while true do
    if #data >= 20 then
      local length = string.unpack("<I3", data, 5)
      if #data >= 20 + 4 * data:byte(14) + length or length > 1048576 then return data end
    end
    local status, more = socket:receive()
    if not status then return data end
    data = data .. more
  end
end

action = function(host, port)
  local socket = nmap.new_socket()
  socket:set_timeout(8000)
  if not socket:connect(host, port) or not socket:send(PROBE) then return nil end
  local data = first_frame(socket)
  socket:close()
  if data:sub(1, 4) == "b2: " then return {refused = shown(data:sub(5))} end
  if data:sub(1, 4) ~= "b2\r\n" or #data < 20 then return nil end
  local length, kind, extensions = string.unpack("<I3 B", data, 5)
  extensions = 4 * data:byte(14)
  local payload = data:sub(21 + extensions, 20 + extensions + length)
  port.version.name, port.version.product = "b2-runtime", "b2 Runtime Protocol"
  if kind == 10 then return {["goes no further"] = shown(payload:sub(5))} end
  if kind ~= 1 then return nil end
  local out = read_hello(payload)
  if out.name and out.name ~= "" then port.version.extrainfo = "node " .. out.name end
  nmap.set_port_version(host, port)
  return out
end
