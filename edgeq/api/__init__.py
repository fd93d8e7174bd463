"""The verbs of edgeq as typed functions: what the command line, notebooks and CI call.

Every function raises `edgeq.core.errors.EdgeqError` (cause, hint, exit code) and nothing else on
purpose. Heavy packages are imported when a function needs them.
"""

from edgeq.api.catalog import board_schema as board_schema
from edgeq.api.catalog import check_boards as check_boards
from edgeq.api.catalog import doctor as doctor
from edgeq.api.catalog import find_board as find_board
from edgeq.api.catalog import find_dataset as find_dataset
from edgeq.api.catalog import find_recipe as find_recipe
from edgeq.api.catalog import get_dataset as get_dataset
from edgeq.api.catalog import list_boards as list_boards
from edgeq.api.catalog import list_datasets as list_datasets
from edgeq.api.catalog import list_ports as list_ports
from edgeq.api.catalog import list_recipes as list_recipes
from edgeq.api.catalog import new_board as new_board
from edgeq.api.check import check as check
from edgeq.api.code import build as build
from edgeq.api.code import compile_model as compile_model
from edgeq.api.code import emit as emit
from edgeq.api.code import estimate as estimate
from edgeq.api.code import export as export
from edgeq.api.code import fit as fit
from edgeq.api.devices import bench as bench
from edgeq.api.devices import compare_models as compare_models
from edgeq.api.devices import flash as flash
from edgeq.api.devices import flash_app as flash_app
from edgeq.api.devices import serve_board as serve_board
from edgeq.api.devices import validate as validate
from edgeq.api.energy import BatteryPlan as BatteryPlan
from edgeq.api.energy import MeterRequest as MeterRequest
from edgeq.api.energy import energy as energy
from edgeq.api.energy import parse_plan as parse_plan
from edgeq.api.meters import list_meters as list_meters
from edgeq.api.meters import record_meter as record_meter
from edgeq.api.mlperf import MlperfRequest as MlperfRequest
from edgeq.api.mlperf import check_mlperf as check_mlperf
from edgeq.api.mlperf import run_mlperf as run_mlperf
from edgeq.api.models import compare_calibrators as compare_calibrators
from edgeq.api.models import convert as convert
from edgeq.api.models import evaluate as evaluate
from edgeq.api.models import inspect as inspect
from edgeq.api.models import list_examples as list_examples
from edgeq.api.models import sensitivity as sensitivity
from edgeq.api.models import train_demo as train_demo
from edgeq.api.models import train_example as train_example
from edgeq.api.road import deploy as deploy
from edgeq.api.road import report as report
from edgeq.api.sweep import preview_sweep as preview_sweep
from edgeq.api.sweep import sweep as sweep
from edgeq.api.tune import tune as tune
from edgeq.bench.linux.options import LinuxOptions as LinuxOptions
from edgeq.core.records import ProtocolRecord as ProtocolRecord
from edgeq.deployment import Deployment as Deployment
from edgeq.deployment import DeployRequest as DeployRequest
from edgeq.tuning.request import TuneLimits as TuneLimits
from edgeq.tuning.request import TuneRequest as TuneRequest
