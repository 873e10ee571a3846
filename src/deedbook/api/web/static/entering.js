// Signs in and out; where the service asks nobody who they are, the wallet only says which account it is. A page that is
// one account's own says so (`asked.account`): no other signs in there.
"use strict";

import { ask, asked, onPress, onSigning, signIn, tell, wallets } from "./page.js";
import { Stop, isSame } from "./wallet.js";

async function enter(asking) {
  tell("asking");
  const account = await asking.connect();
  if (asked.account && !isSame(account, asked.account)) throw new Stop("other_member", { account: asked.account });
  await signIn(asking);
  tell(null);
  if (asked.door) location.reload();
  else location.search = `?account=${account}`;
}

async function leave() {
  await ask("DELETE", "/session");
  location.replace(location.pathname);
}

const leaving = document.getElementById("leave");
if (leaving) onPress(leaving, leave);
if (document.getElementById("sign")) onSigning(document.getElementById("sign"), wallets(), enter);
