/* Text to the host, without the C library's printf. */
#ifndef TEXT_H
#define TEXT_H

#include <stdint.h>

void text_send(const char *string);
void text_number(uint64_t value);
void text_byte(uint8_t value);     /* as "%02x" */
void text_score(float value);      /* as "%0.3f" */

#endif
