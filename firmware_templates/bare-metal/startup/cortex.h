/* A compiler that was not told of a feature builds slow code without a word: stop it here. */
#ifndef CORTEX_H
#define CORTEX_H

#include "config.h"

#if CORE_DSP && !defined(__ARM_FEATURE_DSP)
#error "the board's core has DSP instructions, the compiler was not told"
#elif !CORE_DSP && defined(__ARM_FEATURE_DSP)
#error "the compiler uses DSP instructions that the board's core lacks"
#endif

#if CORE_MVE && !(defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1))
#error "the board's core has MVE, the compiler was not told"
#elif !CORE_MVE && defined(__ARM_FEATURE_MVE)
#error "the compiler uses MVE that the board's core lacks"
#endif

#if CORE_FPU == 0 && defined(__ARM_FP)
#error "the compiler uses an FPU that the board's core lacks"
#elif CORE_FPU >= 1 && !(defined(__ARM_FP) && (__ARM_FP & 4))
#error "the board's core has an FPU, the compiler was not told"
#elif CORE_FPU == 1 && (__ARM_FP & 8)
#error "the compiler uses double precision that the board's FPU lacks"
#elif CORE_FPU == 2 && !(__ARM_FP & 8)
#error "the board's FPU has double precision, the compiler was not told"
#endif

#endif
