// The guest: what is registered, and the events of a turn.
import * as abi from "./abi";
import { holds, takeBack } from "./buffers";
import { Conn } from "./conn";
import { Encoding, Endpoint, OnInvalid, OnRequest, OnResume, OnWritable } from "./endpoint";
import { WherryError } from "./errors";
import { failConn, failRequest, setDebugging } from "./failure";
import { FieldReader } from "./fields";
import { HandleMap } from "./handles";
import { log } from "./hostcalls";
import { readJson } from "./json_reader";
import { Fault, Start, startRead } from "./life";
import { Disconnect, Message } from "./message";
import { beginTurn, endTurn, event, mailbox } from "./outbox";
import { Params, errorsBody, errorsLine } from "./params";
import { Phase } from "./phase";
import { HttpRequest, Request } from "./request";
import { timerFired, wantsTimers } from "./timer";

const endpoints: Endpoint[] = [];
const conns = new HandleMap<Conn>();
const message = new Message();
let wants: u32 = 0;
let registered: bool = false;
let startHandler: ((start: Start) => WherryError | null) | null = null;
let stopHandler: ((reason: u32) => WherryError | null) | null = null;
let faultHandler: ((fault: Fault) => WherryError | null) | null = null;
