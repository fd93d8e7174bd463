/* A power meter out of an Arduino and an INA219, INA226 or INA228.
 *
 * Wiring: SDA and SCL to the INA, its shunt into the supply of the board that is measured, a GPIO
 * of that board to GATE_PIN, and both grounds together.
 *
 * Lines end with LF; what stands before '*' is checked by the XOR of its bytes in two hex digits.
 *
 *   #ina-bridge,1,CHIP,CURRENT_LSB_PA,BUS_LSB_PV,END_UA,ACCUMULATES,PERIOD_US*XX  reply to HELLO
 *   #period,PERIOD_US*XX   #start*XX   #stop*XX                                   other replies
 *   s,SEQ,T_US,BUS,CURRENT,ENERGY,CHARGE*XX     a sample, raw registers, at its end
 *   e,SEQ,T_US,LEVEL,MISSED*XX                  an edge of the gate, edges missed before it
 *
 * SEQ counts samples and edges modulo 65536, so that a lost line is seen; a sample that the INA did
 * not answer is counted but not sent. T_US is micros(). ENERGY and CHARGE are the lower 32 bits of
 * the INA228's registers, 0 for the others.
 */
#include <Arduino.h>
#include <Wire.h>

/* Set these to your shunt: its resistance, and the highest current that is to be measured. */
static const float SHUNT_OHM = 0.1f;
static const float MAX_A = 1.6f;

static const uint8_t ADDRESS = 0x40;
static const uint8_t GATE_PIN = 2;
static const uint32_t BAUD = 500000;
static const uint32_t MIN_PERIOD_US = 1000;
static const uint32_t MAX_PERIOD_US = 1000000;

enum Chip { NONE, INA219, INA226, INA228 };

/* What differs from chip to chip: the registers, and volts at the end of the shunt's range. */
struct Traits {
  const char *name;
  uint8_t current_bits;
  uint8_t bus_register;
  uint8_t current_register;
  uint32_t bus_lsb_pv;
  float shunt_end_v;
};

static const Traits TRAITS[] = {
    {"none", 15, 0x02, 0x04, 0, 0.0f},
    {"INA219", 15, 0x02, 0x04, 4000000000UL, 0.32f},
    {"INA226", 15, 0x02, 0x04, 1250000000UL, 0.08192f},
    {"INA228", 19, 0x05, 0x07, 195312500UL, 0.16384f},
};

struct Edge {
  uint32_t time_us;
  uint8_t level;
};

static const uint8_t EDGES = 16;
static volatile Edge edges[EDGES];
static volatile uint8_t edges_in = 0;
static volatile uint8_t edges_out = 0;
static volatile uint16_t edges_missed = 0;

static Chip chip = NONE;
static bool ina_silent = false;
static bool running = false;
static uint16_t sequence = 0;
static uint32_t period_us = 2500;
static uint32_t next_us = 0;
static uint8_t checksum = 0;

/* --- lines ------------------------------------------------------------------------------------ */

static void put(char c) {
  checksum ^= (uint8_t)c;
  Serial.write((uint8_t)c);
}

static void put_text(const char *text) {
  while (*text != '\0') {
    put(*text++);
  }
}

static void put_number(uint32_t value) {
  char digits[11];
  uint8_t at = sizeof digits;
  digits[--at] = '\0';
  do {
    digits[--at] = (char)('0' + value % 10);
    value /= 10;
  } while (value != 0);
  put_text(digits + at);
}

static void put_field(uint32_t value) {
  put(',');
  put_number(value);
}

static void put_signed_field(int32_t value) {
  put(',');
  if (value < 0) {
    put('-');
  }
  put_number(value < 0 ? 0U - (uint32_t)value : (uint32_t)value);
}

static void begin_line(const char *name) {
  checksum = 0;
  put_text(name);
}

static void end_line() {
  static const char HEX_DIGITS[] = "0123456789ABCDEF";
  const uint8_t sum = checksum;
  Serial.write((uint8_t)'*');
  Serial.write((uint8_t)HEX_DIGITS[sum >> 4]);
  Serial.write((uint8_t)HEX_DIGITS[sum & 15]);
  Serial.write((uint8_t)'\n');
}

/* --- the INA ---------------------------------------------------------------------------------- */

static void write_register(uint8_t address, uint16_t value) {
  Wire.beginTransmission(ADDRESS);
  Wire.write(address);
  Wire.write((uint8_t)(value >> 8));
  Wire.write((uint8_t)value);
  Wire.endTransmission();
}

/* Return the last four of `count` bytes, the most significant first; 0, and `ina_silent` set, where
 * the INA does not answer. */
static uint32_t read_register(uint8_t address, uint8_t count) {
  Wire.beginTransmission(ADDRESS);
  Wire.write(address);
  if (Wire.endTransmission(false) != 0 || Wire.requestFrom(ADDRESS, count) != count) {
    ina_silent = true;
    return 0;
  }
  uint32_t value = 0;
  while (count-- > 0) {
    value = value << 8 | (uint8_t)Wire.read();
  }
  return value;
}

static Chip find_chip() {
  if (read_register(0x3E, 2) == 0x5449 && read_register(0x3F, 2) >> 4 == 0x228) {
    return INA228;
  }
  if (read_register(0xFE, 2) == 0x5449 && read_register(0xFF, 2) == 0x2260) {
    return INA226;
  }
  Wire.beginTransmission(ADDRESS);
  return Wire.endTransmission() == 0 ? INA219 : NONE;
}

static float current_lsb_a() {
  return MAX_A / (float)(1UL << TRAITS[chip].current_bits);
}

/* Measure shunt and bus without a pause, each about 0.3 ms (INA226: 0.33 ms, INA219: 0.53 ms). */
static void configure() {
  const float lsb_by_ohm = current_lsb_a() * SHUNT_OHM;
  if (chip == INA219) {
    write_register(0x00, 0x399F);
    write_register(0x05, (uint16_t)(0.04096f / lsb_by_ohm + 0.5f));
  } else if (chip == INA226) {
    write_register(0x00, 0x4097);
    write_register(0x05, (uint16_t)(0.00512f / lsb_by_ohm + 0.5f));
  } else if (chip == INA228) {
    write_register(0x01, 0xB6D8);
    write_register(0x02, (uint16_t)(13107.2e6f * lsb_by_ohm + 0.5f));
    write_register(0x00, 0x4000);
  }
}

static int32_t read_current() {
  const uint8_t address = TRAITS[chip].current_register;
  if (chip == INA228) {
    return (int32_t)(read_register(address, 3) << 8) / 4096;
  }
  return (int16_t)read_register(address, 2);
}

static uint32_t read_bus() {
  const uint8_t address = TRAITS[chip].bus_register;
  if (chip == INA228) {
    return read_register(address, 3) >> 4;
  }
  return read_register(address, 2) >> (chip == INA219 ? 3 : 0);
}

/* --- the gate --------------------------------------------------------------------------------- */

static void note_edge() {
  const uint8_t next = (uint8_t)((edges_in + 1) % EDGES);
  if (next == edges_out) {
    edges_missed = (uint16_t)(edges_missed + 1);
    return;
  }
  edges[edges_in].time_us = micros();
  edges[edges_in].level = (uint8_t)digitalRead(GATE_PIN);
  edges_in = next;
}

static void send_edges() {
  while (edges_out != edges_in) {
    noInterrupts();
    const uint32_t time_us = edges[edges_out].time_us;
    const uint8_t level = edges[edges_out].level;
    const uint16_t missed = edges_missed;
    edges_missed = 0;
    edges_out = (uint8_t)((edges_out + 1) % EDGES);
    interrupts();
    begin_line("e");
    put_field(sequence++);
    put_field(time_us);
    put_field(level);
    put_field(missed);
    end_line();
  }
}

/* --- the host --------------------------------------------------------------------------------- */

static void send_sample(uint32_t time_us) {
  ina_silent = false;
  const uint32_t bus = read_bus();
  const int32_t current = read_current();
  const bool accumulates = chip == INA228;
  const uint32_t energy = accumulates ? read_register(0x09, 5) : 0;
  const uint32_t charge = accumulates ? read_register(0x0A, 5) : 0;
  const uint16_t number = sequence++;
  if (ina_silent) {
    return;
  }
  begin_line("s");
  put_field(number);
  put_field(time_us);
  put_field(bus);
  put_signed_field(current);
  put_field(energy);
  put_field(charge);
  end_line();
}

static void say_hello() {
  const float shunt_end_a = TRAITS[chip].shunt_end_v / SHUNT_OHM;
  begin_line("#ina-bridge,1,");
  put_text(TRAITS[chip].name);
  put_field((uint32_t)(current_lsb_a() * 1e12f + 0.5f));
  put_field(TRAITS[chip].bus_lsb_pv);
  put_field((uint32_t)((shunt_end_a < MAX_A ? shunt_end_a : MAX_A) * 1e6f));
  put_field(chip == INA228 ? 1 : 0);
  put_field(period_us);
  end_line();
}

static void set_period(const char *text) {
  uint32_t wanted = 0;
  while (*text >= '0' && *text <= '9' && wanted < MAX_PERIOD_US) {
    wanted = wanted * 10 + (uint32_t)(*text++ - '0');
  }
  period_us = constrain(wanted, MIN_PERIOD_US, MAX_PERIOD_US);
  begin_line("#period");
  put_field(period_us);
  end_line();
}

static void set_running(bool on) {
  running = on;
  begin_line(on ? "#start" : "#stop");
  end_line();
  if (on) {
    noInterrupts();
    edges_out = edges_in;
    edges_missed = 0;
    interrupts();
    sequence = 0;
    next_us = micros() + period_us;
  }
}

static void obey(const char *line) {
  if (strcmp(line, "HELLO") == 0) {
    chip = find_chip();
    configure();
    say_hello();
  } else if (strncmp(line, "PERIOD ", 7) == 0) {
    set_period(line + 7);
  } else if (strcmp(line, "START") == 0) {
    set_running(true);
  } else if (strcmp(line, "STOP") == 0) {
    set_running(false);
  }
}

static void listen() {
  static char line[24];
  static uint8_t length = 0;
  while (Serial.available() > 0) {
    const char c = (char)Serial.read();
    if (c == '\n' || c == '\r') {
      line[length] = '\0';
      length = 0;
      obey(line);
    } else if (length < sizeof line - 1) {
      line[length++] = c;
    }
  }
}

void setup() {
  Serial.begin(BAUD);
  Wire.begin();
  Wire.setClock(400000);
  pinMode(GATE_PIN, INPUT_PULLUP);
  attachInterrupt(digitalPinToInterrupt(GATE_PIN), note_edge, CHANGE);
}

void loop() {
  listen();
  if (!running) {
    return;
  }
  send_edges();
  const uint32_t now_us = micros();
  if ((int32_t)(now_us - next_us) >= 0) {
    next_us += period_us;
    if ((int32_t)(now_us - next_us) > 0) {
      next_us = now_us; /* too late for the next one as well: what was missed is not caught up */
    }
    send_sample(now_us);
  }
}
