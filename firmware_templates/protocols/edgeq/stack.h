/* Stack high-water mark: paint the free stack, run, look how far the paint is gone. */
#ifndef STACK_H
#define STACK_H

#include <stdint.h>

void stack_reset(void);             /* forget the mark */
void stack_paint(void);             /* paint all that is free now */
void stack_measure(void);           /* raise the mark to the deepest word touched since */
uint32_t stack_high_water(void);    /* the mark, in bytes below the top of the stack */
uint32_t stack_reserved(void);

#endif
