/// Everything a program needs to train, load and use models.
#pragma once

#include <ophion/config.h>
#include <ophion/dataset.h>
#include <ophion/error.h>
#include <ophion/isolation.h>
#include <ophion/method.h>
#include <ophion/model.h>
#include <ophion/registry.h>
#include <ophion/runtime.h>
#include <ophion/session.h>
#include <ophion/trust.h>
#include <ophion/value.h>
