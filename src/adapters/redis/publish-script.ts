/**
 * Publishes one batch, all or nothing, and moves the cursor: where the cursor lies, there the entries
 * lie too, so each record is published once per journal however often a batch is sent.
 *
 * Redis runs a script to its end but undoes nothing when a command in it fails. So whatever can fail
 * is dealt with before the first write: a key of ours that holds another type (somebody used the
 * name) is renamed, never deleted, and the batch goes on.
 *
 * KEYS: cursor, head, incidents stream, audit stream, set of open incidents
 * ARGV: from, to, hash, longest stream, seconds to keep an incident after it is resolved, most open
 * incidents, prefix of incident keys, channel; then counted lists: entries (key index, fields…),
 * incidents (name, JSON, opened at, '1' if open), messages.
 * Returns the cursor that holds, and the old and new names of the keys that were renamed.
 */
export const PUBLISH_SCRIPT = `
local displaced = {}
local function ensure(key, wanted)
  local found = redis.call('TYPE', key).ok
  if found == 'none' or found == wanted then return end
  -- RENAME overwrites: what was moved away before stays too.
  local name, count = key .. ':displaced', 1
  while redis.call('EXISTS', name) == 1 do
    count = count + 1
    name = key .. ':displaced:' .. count
  end
  redis.call('RENAME', key, name)
  table.insert(displaced, {key, name})
end
ensure(KEYS[1], 'string')
ensure(KEYS[2], 'string')
ensure(KEYS[3], 'stream')
ensure(KEYS[4], 'stream')
ensure(KEYS[5], 'zset')

local cursor = tonumber(string.match(redis.call('GET', KEYS[1]) or '', '^%d+$') or '0')
if cursor ~= tonumber(ARGV[1]) then return {cursor, displaced} end

local at = 8
local function take()
  at = at + 1
  return ARGV[at]
end

for _ = 1, tonumber(take()) do
  local index = tonumber(take())
  local count = tonumber(take())
  local entry = {'XADD', KEYS[index], 'MAXLEN', '~', ARGV[4], '*'}
  for _ = 1, count do table.insert(entry, take()) end
  redis.call(unpack(entry))
end

for _ = 1, tonumber(take()) do
  local name, json, openedAt, isOpen = take(), take(), take(), take()
  if isOpen == '1' then
    redis.call('SET', ARGV[7] .. name, json)
    redis.call('ZADD', KEYS[5], openedAt, name)
  else
    redis.call('SET', ARGV[7] .. name, json, 'EX', ARGV[5])
    redis.call('ZREM', KEYS[5], name)
  end
end
local surplus = redis.call('ZCARD', KEYS[5]) - tonumber(ARGV[6])
if surplus > 0 then
  for _, name in ipairs(redis.call('ZRANGE', KEYS[5], 0, surplus - 1)) do
    redis.call('ZREM', KEYS[5], name)
    redis.call('EXPIRE', ARGV[7] .. name, ARGV[5])
  end
end

for _ = 1, tonumber(take()) do redis.call('PUBLISH', ARGV[8], take()) end

redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[2] .. ':' .. ARGV[3])
return {tonumber(ARGV[2]), displaced}
`;
