// Ponder asks for one; nobody asks it.
import { Hono } from "hono";

export default new Hono();
