%% SPDX-License-Identifier: Apache-2.0
%% Part of system.erl: sends it the signals that erl_signal_server gets.
-module(system_signals).
-behaviour(gen_event).
-export([init/1, handle_event/2, handle_call/2]).

init({Main, _}) -> {ok, Main}.
handle_event(Signal, Main) -> Main ! {signal, Signal}, {ok, Main}.
handle_call(_, Main) -> {ok, ok, Main}.
