/*
 * patchbay/patchbay.h - everything a plugin may need.
 */
#ifndef PATCHBAY_PATCHBAY_H
#define PATCHBAY_PATCHBAY_H

#include "patchbay/base.h"
#include "patchbay/call.h"
#include "patchbay/codec.h"
#include "patchbay/control.h"
#include "patchbay/event.h"
#include "patchbay/host.h"
#include "patchbay/module.h"
#include "patchbay/upstream.h"

#endif
